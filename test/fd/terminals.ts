import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterAll } from 'vitest'
import type { Skippable } from '../support/tools.ts'
import { python } from './python.ts'

/** A pseudo terminal in raw mode: the path of its slave, and what its master does. */
export interface Terminal {
  path: string
  send(text: string): void
  hangUp(): void
}

/** One process holds the masters of all terminals of a test file: to start one takes longer than most tests. */
let holder: { process: ChildProcessByStdio<Writable, Readable, null>; answers: Interface } | undefined

afterAll(() => {
  holder?.process.kill('SIGKILL')
})

export async function openTerminal(ctx: Skippable): Promise<Terminal> {
  holder ??= startHolder(python(ctx))
  const { process, answers } = holder
  const answer = new Promise<string>((resolve) => answers.once('line', resolve))
  process.stdin.write('open\n')
  const [master, path = ''] = (await answer).split(' ')
  return {
    path,
    send: (text) => process.stdin.write(`send ${master} ${text}\n`),
    hangUp: () => process.stdin.write(`close ${master}\n`),
  }
}

function startHolder(command: string): NonNullable<typeof holder> {
  const process = spawn(command, ['-u', '-c', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  return { process, answers: createInterface(process.stdout) }
}

const program = `
import os, sys, tty
masters = set()
for line in sys.stdin:
    command, _, rest = line.rstrip('\\n').partition(' ')
    if command == 'open':
        master, slave = os.openpty()
        tty.setraw(slave)
        print(master, os.ttyname(slave))
        os.close(slave)
        masters.add(master)
    elif command == 'send':
        master, _, text = rest.partition(' ')
        os.write(int(master), text.encode())
    elif int(rest) in masters:
        masters.remove(int(rest))
        os.close(int(rest))
`
