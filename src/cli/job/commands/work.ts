import { PLACE_OPTIONS } from '../place.ts'

export async function main(words: string[]): Promise<void> {
  throw new Error(`${words.length} ${Object.keys(PLACE_OPTIONS).length}`)
}
