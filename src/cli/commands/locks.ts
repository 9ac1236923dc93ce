import { type LockParty, type LockState, locks } from '../../lock.ts'
import { hasEnded } from '../../proc.ts'
import { splitArguments } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { styled, visible } from '../messages.ts'
import { age, table } from '../table.ts'

const OPTIONS = {
  dir: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('locks'))
  if (command.length > 0) throw new UsageError(`locks: what is meant by "${command.join(' ')}"`)
  const states = locks(values.dir === undefined ? {} : { dir: values.dir })
  if (values.json) return console.log(JSON.stringify(states, null, 2))
  if (states.length === 0) return console.log('no lock is held')
  const [head, ...rows] = table([['LOCK', 'IS', 'BY', 'FOR', 'LABEL'], ...rowsOf(states, Date.now())])
  console.log([styled(process.stdout, 'bold', head!), ...rows].join('\n'))
}

function rowsOf(states: readonly LockState[], now: number): string[][] {
  return states.flatMap(({ name, holders, waiters, abandoned }) => [
    ...holders.map((party) => row(name, stateOf(party), party, now)),
    ...waiters.map((party) => row(name, party.shared ? 'wanted, shared' : 'wanted', party, now)),
    ...abandoned.map((party) => row(name, 'abandoned', party, now)),
  ])
}

/** A command that `jobslot lock` started keeps the lock where jobslot itself was killed. */
function stateOf({ pid, shared }: LockParty): string {
  return `${shared ? 'shared' : 'held'}${hasEnded(pid) ? ' by its command' : ''}`
}

function row(name: string, state: string, { pid, label, since }: LockParty, now: number): string[] {
  return [visible(name), state, String(pid), age(now - since), visible(label ?? '')]
}
