#!/usr/bin/env node
// npm run fuzz -- [--minutes N] [--seed S]
//
// The fuzz tests again and again with many times as many inputs, each time with another seed, and then the addon's
// core by clang's libFuzzer. Ends at the first fault, and says how it is repeated.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  console.error('fuzz: --minutes takes a number above 0')
  process.exit(64)
}
const isFuzz = (name) => /(^|\/)fuzz(-[a-z]+)?\.test\.ts$/.test(name)
const files = readdirSync('test', { recursive: true })
  .filter(isFuzz)
  .map((name) => `test/${name}`)
const end = Date.now() + minutes * 60_000 * 0.75

let rounds = 0
do {
  const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31))
  console.log(`--- round ${++rounds}: seed ${seed}`)
  const env = { ...process.env, JOBSLOT_FUZZ_RUNS: process.env.JOBSLOT_FUZZ_RUNS ?? '10', JOBSLOT_TEST_SEED: seed }
  const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...files], {
    stdio: 'inherit',
    env,
  })
  if (status !== 0) {
    console.error(`fuzz: a fault: JOBSLOT_FUZZ_RUNS=${env.JOBSLOT_FUZZ_RUNS} npm run fuzz -- --seed ${seed} repeats it`)
    process.exit(1)
  }
} while (Date.now() < end && values.seed === undefined)

const { status } = spawnSync('scripts/fuzz.sh', [String(Math.ceil((minutes * 60 * 0.25) / 3))], { stdio: 'inherit' })
console.log(
  `fuzz: ${rounds} rounds of ${files.length} files, ${status === 0 ? 'and libFuzzer, without a fault' : 'and no libFuzzer: see above'}`,
)
process.exit(status ?? 1)
