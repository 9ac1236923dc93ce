import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Result, type RunOptions, run, tempDir } from '../support/processes.ts'
import type { Skippable } from '../support/tools.ts'
import { requireProgram } from './recipes.ts'

/** Runs a command as the leader of a terminal's session, and types KEYS there once the command has printed AT. */
const DRIVER = `
import os, pty, sys

at, keys, command = sys.argv[1].encode(), sys.argv[2].encode(), sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen = b''
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
    seen += data
    if keys and at in seen:
        os.write(terminal, keys)
        keys = b''
_, status = os.waitpid(pid, 0)
os.write(2, b'ended by %d' % os.WTERMSIG(status) if os.WIFSIGNALED(status) else b'ended with %d' % os.WEXITSTATUS(status))
`

/** What the command printed, on both outputs, is stdout; how it ended, in words, is stderr. */
export function runInTerminal(
  argv: readonly string[],
  options: RunOptions & { at?: string; keys?: string },
  ctx: Skippable,
): Promise<Result> {
  requireProgram('python3', ctx)
  const { at = '', keys = '', ...rest } = options
  const driver = join(tempDir(), 'driver.py')
  writeFileSync(driver, DRIVER)
  return run(['python3', driver, at, keys, ...argv], rest)
}
