import { UsageError } from './exit-codes.ts'

const OVERVIEW = `jobslot shares one limit on how much runs at once, by GNU make's jobserver.

  jobslot run -j4 -- make          make, and all that it starts, share 4 slots
  jobslot acquire -- cmd           cmd waits for a slot of the limit in force and holds it
  jobslot doctor                   which limit is in force here, and does it work?
  jobslot lock NAME -- cmd         cmd waits until nobody else holds the lock NAME, and holds it
  jobslot locks                    who holds which lock, and who waits

  jobslot COMMAND --help           more on one of them
  jobslot --version

Options end at -- or at the first word that is no option. Times: 500ms, 10s, 2m, 1h; a bare number is seconds.

Exit status: that of the command (by the same signal, where one ended it); 64 wrong use; 69 the jobserver, the lock or
the state folder cannot be used; 70 a fault of jobslot's own; 75 no slot or lock in time; 126 the command cannot be run;
127 it is not found.

Environment: MAKEFLAGS, CARGO_MAKEFLAGS, MFLAGS name the jobserver; JOBSLOT_DIR is the state folder (/tmp/jobslot-UID);
NODE_DEBUG=jobslot traces every token; NO_COLOR.`

const HELP: Record<string, string> = {
  '': OVERVIEW,
  run: `jobslot run [-j N] [--style auto|fifo|pipe] [--strict] [--] CMD [ARG…]

Runs CMD with a jobserver of N slots: the makes, ninjas, cargos, compilers and Node programs that it starts share them.
Within a build that has a limit already, the slots are drawn from that one. At the end it counts the tokens and tells of
any that are missing or too many.

  -j, --jobs N     the limit; without it the CPUs this process may use, or the limit in force
      --style S    the form of MAKEFLAGS. fifo reaches make from 4.4 on, ninja from 1.13 on, cargo. pipe reaches every
                   make, cargo, gcc -flto=jobserver, but no ninja. auto: fifo for ninja, else by the make that is found
      --strict     a jobserver that is named and cannot be used is an error (69), not a warning

  jobslot run -j8 -- make            leave out make's own -j: it would override the limit
  jobslot run -j8 -- cargo build
  jobslot run -j8 -- ninja`,
  acquire: `jobslot acquire [-c COUNT|MIN..MAX] [-w TIME | -n] [-E STATUS] [--no-substitute] [--strict] [--] CMD [ARG…]

Holds slots of the limit in force while CMD runs. In a recipe of make, mark the line with + so that make hands its
jobserver on. The commands of one recipe share the slot that the recipe has anyway, and take tokens for more.

  -c, --count C          how many slots: 4, or 1..8 to wait for 1 and take up to 8 of what is free then. With it,
                         {slots} in ARG becomes the number held. A command with several gets a jobserver of them
      --no-substitute    leaves {slots} as it is; JOBSLOT_SLOTS tells the number in any case
  -w, --timeout TIME     how long to wait; without it for ever, but 60 s where COUNT or MIN is above 1
  -n, --no-wait          the same as --timeout 0
  -E, --timeout-status N the exit status for no slot in time (75)
      --strict           a jobserver that is named and cannot be used is an error (69), not a warning

  jobslot acquire -- ./slow-test
  jobslot acquire -c 1..8 -- vitest --maxWorkers={slots}`,
  release: `jobslot release SLOT [SLOT…]

Gives back slots that jobslot acquire --for holds, by the ids that it printed. What has been given back already, because
its process has ended, is told of, and the status is 69.

  slot=$(jobslot acquire --for $$)
  jobslot release $slot`,
  doctor: `jobslot doctor [--json]

Says which limit is in force here, how it was found, whether it works and why not, and which tools it does not reach.

      --json   { inForce, pool, stateDir, jobserver: null |
                 { style, auth, usable, reason, code, available, jobs, load, dryRun, variable } }`,
  lock: `jobslot lock NAME [-s] [-w TIME | -n] [-E STATUS] [--label TEXT] [--dir DIR] [--] CMD [ARG…]

Runs CMD while no other process holds the lock NAME, which may be any text. Who came first is served first. The kernel
frees the lock when its holder dies; whoever comes next is told of it on stderr. If jobslot itself is killed, the lock
lasts until CMD ends.

  -s, --shared           together with others who share it, but with nobody who does not
  -w, --timeout TIME     how long to wait; without it for ever
  -n, --no-wait          the same as --timeout 0
  -E, --timeout-status N the exit status for no lock in time (75)
      --label TEXT       what others see of this holder in jobslot locks; without it, CMD
      --dir DIR          keep the lock in this folder, for users who share it; else it is yours on this host

  jobslot lock deploy -- ./deploy.sh
  jobslot lock cache -s -w 30s -- npm test`,
  locks: `jobslot locks [--json] [--dir DIR]

Lists the locks that somebody holds or waits for, and those whose holder died and that nobody has taken since.

      --dir DIR  those in this folder; else yours on this host
      --json     [{ name, holders, waiters, abandoned }], each a list of { pid, label, since, shared };
                 since is in milliseconds since 1970`,
}

/** @throws UsageError where there is no such command */
export function helpFor(command: string): string {
  const text = Object.hasOwn(HELP, command) ? HELP[command] : undefined
  if (text === undefined) throw new UsageError(`unknown command "${command}"`)
  return text
}
