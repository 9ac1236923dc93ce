type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `exact<Type>()(value)` compiles where `value` is of that type, and not of a wider or narrower one. */
export const exact =
  <Type>() =>
  <Given>(_value: Same<Given, Type> extends true ? Given : never): void => {}
