import { JobslotError } from '../../errors.ts'
import { closeAllIdle } from '../../lock/handle.ts'
import { type Lock, type LockParty, lock, locks } from '../../lock.ts'
import { hasEnded } from '../../proc.ts'
import { parseNumber, parseWait, splitWithOperand } from '../arguments.ts'
import { endAs, runCommand } from '../child.ts'
import { EXIT, UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { tell, tellIfSlow, visible } from '../messages.ts'
import { Interrupted, Signals } from '../signals.ts'

const OPTIONS = {
  shared: { type: 'boolean', short: 's' },
  timeout: { type: 'string', short: 'w' },
  'no-wait': { type: 'boolean', short: 'n' },
  'timeout-status': { type: 'string', short: 'E' },
  label: { type: 'string' },
  dir: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export async function main(words: string[]): Promise<void> {
  const { values, operand: name, command } = splitWithOperand(words, OPTIONS)
  if (values.help) return console.log(helpFor('lock'))
  if (!name) throw new UsageError('lock: no name of a lock was given: jobslot lock NAME -- CMD')
  if (command.length === 0) throw new UsageError(`lock: no command was given to run under the lock ${name}`)
  const timeout = parseWait(values, 'lock') ?? undefined
  const timeoutStatus = parseNumber(values['timeout-status'] ?? String(EXIT.timeout), '-E', { min: 0, max: 255 })
  const { shared = false, label = command.join(' '), dir } = values

  const signals = new Signals()
  const ended = new AbortController()
  const where = dir === undefined ? {} : { dir }
  const served = tellIfSlow(() => `waiting for lock ${name}${heldBy(name, where)}`)
  let held: Lock
  try {
    held = await signals.during(
      (signal) => ended.abort(new Interrupted(signal)),
      () => lock(name, { shared, label, timeout, signal: ended.signal, ...where }),
    )
  } catch (error) {
    closeAllIdle()
    if (!(error instanceof JobslotError && error.code === 'ERR_JOBSLOT_TIMEOUT')) throw error
    tell(`${error.message}${heldBy(name, where)}`)
    process.exit(timeoutStatus)
  } finally {
    served()
  }
  if (held.abandonedBy) tell(whatWasLeft(name, held.abandonedBy))
  const result = await runCommand(command, held.childOptions({ stdio: 'inherit' }), signals)
  held.release()
  // Where a signal ended the command, one will end this process, and nothing more is run.
  closeAllIdle()
  endAs(result)
}

function heldBy(name: string, where: { dir?: string }): string {
  const holders = locks(where).find((state) => state.name === name)?.holders ?? []
  if (holders.length === 0) return ''
  const more = holders.length > 1 ? ` and ${holders.length - 1} more` : ''
  return `, held by ${describe(holders[0]!)}${hasEnded(holders[0]!.pid) ? ', which has ended while its command runs on' : ''}${more}: see jobslot locks${where.dir === undefined ? '' : ` --dir ${where.dir}`}`
}

function whatWasLeft(name: string, holder: LockParty): string {
  return (
    `${describe(holder)} ended without releasing lock ${name}, which it held since ` +
    `${new Date(holder.since).toISOString()}: what the lock guards may be half done`
  )
}

function describe({ pid, label }: LockParty): string {
  if (label === null) return `process ${pid}`
  return `process ${pid} (${visible(label.length > 60 ? `${label.slice(0, 59)}…` : label)})`
}
