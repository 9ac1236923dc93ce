/** A seed for a test's storm, told with how to repeat it for longer. */
export function stormSeed(name: string): number {
  const seed = Number(process.env.STORM_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(
    `STORM_SEED=${seed} repeats this storm's choices; npm run torture -- --only ${name} --seed ${seed} goes on`,
  )
  return seed
}
