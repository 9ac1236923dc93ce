import { createInterface } from 'node:readline'

/** Answers each line of standard input, a number, with one line of JSON: the other side of `contender.mjs`. */
export async function answer(measure) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await measure(Number(line)))}\n`)
  }
}
