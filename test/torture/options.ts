import { parseArgs } from 'node:util'
import { type StormName, stormNames, storms } from './storms.ts'

export interface Options {
  minutes: number
  seed: number
  only: readonly StormName[]
  canary: boolean
  json: string | null
  write: string | null
  from: string | null
}

const list = stormNames.map((name) => `  ${name.padEnd(10)} ${storms[name].about}`).join('\n')

export const USAGE = `npm run torture -- [--minutes N] [--seed S] [--only STORM,…]

Kills processes that use jobslot, in turns of a minute at most, and checks that nothing is lost, held twice or left behind.

  --minutes N    how long in all; 5 unless given
  --seed S       repeats the choices of a run; what happens between processes is up to the machine and the moment
  --only STORM,… these alone
  --canary       plants a fault in each storm and fails where a checker does not find it
  --json FILE    writes what was counted to FILE
  --write FILE   writes it into a page, between the two marks that docs/reliability.md has
  --from FILE    runs nothing: what --json wrote to FILE is what was counted

Ctrl-C ends it with what it has come to so far. It fails where anything was lost, and says how to repeat that.

${list}
`

/** The options, or what is wrong with them. */
export function readOptions(argv: readonly string[]): Options | string | null {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string' },
        only: { type: 'string', multiple: true, default: stormNames },
        canary: { type: 'boolean', default: false },
        json: { type: 'string' },
        write: { type: 'string' },
        from: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return null
    const only = values.only.flatMap((names) => names.split(','))
    const unknown = only.find((name) => !stormNames.includes(name as StormName))
    if (unknown !== undefined) return `there is no storm "${unknown}": name one of ${stormNames.join(', ')}`
    const minutes = Number(values.minutes)
    if (!(minutes > 0)) return `--minutes ${values.minutes}: give a number above 0`
    const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
    if (!Number.isSafeInteger(seed) || seed < 0) return `--seed ${values.seed}: give a whole number`
    const { canary, json = null, write = null, from = null } = values
    return { minutes, seed, only: only as StormName[], canary, json, write, from }
  } catch (error) {
    return (error as Error).message
  }
}

/** What runs the same again. */
export function commandOf({ minutes, seed, only }: Pick<Options, 'minutes' | 'seed' | 'only'>): string {
  const some = only.length < stormNames.length ? ` --only ${only}` : ''
  return `npm run torture --${some} --minutes ${minutes} --seed ${seed}`
}
