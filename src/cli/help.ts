import { UsageError } from './exit-codes.ts'
import { jobHelp } from './job/help.ts'
import { unknownCommand } from './unknown-command.ts'

const OVERVIEW = `jobslot shares one limit on how much runs at once, by GNU make's jobserver.

  jobslot run -j4 -- make          make, and all that it starts, share 4 slots
  jobslot run --pool ci -- make    so do all builds of this user in the pool ci, on this host
  jobslot acquire -- cmd           cmd waits for a slot of the limit in force and holds it
  jobslot release SLOT             gives back a slot that jobslot acquire --for holds
  jobslot status --watch           who holds slots, and who waits
  jobslot resize --pool ci 8       how many slots the pool ci has
  jobslot remove --pool ci         forgets the pool ci, if nobody uses it
  jobslot doctor                   which limit is in force here, and does it work?
  jobslot lock NAME -- cmd         cmd waits until nobody else holds the lock NAME, and holds it
  jobslot locks                    who holds which lock, and who waits
  jobslot job add -- cmd           queues cmd in a store of jobs, which outlives crashes
  jobslot job work                 runs what is queued, each job in a slot of the limit in force

  jobslot COMMAND --help           more on one of them
  jobslot --version

The limit in force is the first of: --pool; a jobserver in MAKEFLAGS, CARGO_MAKEFLAGS or MFLAGS; the pool that
JOBSLOT_POOL names; the pool "default", with a slot for each CPU. jobslot run without these has a limit of its own.

Options end at -- or at the first word that is no option. Times: 500ms, 10s, 2m, 1h; a bare number is seconds.

Exit status: that of the command (by the same signal, where one ended it); 64 wrong use; 69 the jobserver, the pool, the
lock, the slot, the job, its store or the state folder cannot be used; 70 a fault of jobslot's own; 75 no slot or lock
in time; 126 the command cannot be run; 127 it is not found.

Environment: MAKEFLAGS, CARGO_MAKEFLAGS, MFLAGS, JOBSLOT_POOL: see above; JOBSLOT_DIR is the state folder
(/tmp/jobslot-UID); JOBSLOT_STORE is the store of jobs (~/.local/state/jobslot); NODE_DEBUG=jobslot traces every token;
NO_COLOR.`

const GOVERNOR = `      --max-load L      one slot fewer each second while the load is above L, never below one
      --min-memory M    the same while less than M of memory (512M, 2G) is available
      --max-pressure P  the same while jobs are stalled for memory or I/O in more than P percent of the time (Linux)`

const HELP: Record<string, string> = {
  '': OVERVIEW,
  run: `jobslot run [-j N | --pool NAME [--max K]] [options] [--] CMD [ARG…]

Runs CMD with a jobserver: the makes, ninjas, cargos, compilers and Node programs that it starts share its slots. With
-j it has N of its own; within a build that has a limit already, they are drawn from that one. With --pool it shares the
slots of a pool with all others in it: each has one from first to last, and what is free goes to who has least. At the
end it counts the tokens and tells of any that are missing or too many.

  -j, --jobs N          the limit; without it the CPUs this process may use, or the limit in force
      --pool NAME       the pool; the first to name it makes it, with a slot for each CPU of the host
      --max K           the most slots it may have of the pool at once
      --label TEXT      what others see of it in jobslot status; without it, CMD
      --priority P      who waits with a higher one is served first; 0, may be below
      --weight W        its part of what is shared, beside others' 1
${GOVERNOR}
                        With --pool these are the pool's, as in jobslot resize
      --style S         the form of MAKEFLAGS. fifo reaches make from 4.4 on, ninja from 1.13 on, cargo. pipe reaches
                        every make, cargo, gcc -flto=jobserver, but no ninja. auto: fifo for ninja, else by the make
                        that is found
      --strict          what is named as the limit and cannot be used is an error (69), not a warning

  jobslot run -j8 -- make            leave out make's own -j: it would override the limit
  jobslot run -j8 --max-load 12 -- ninja
  jobslot run --pool ci --label "nightly of $BRANCH" --priority -1 -- cargo build`,
  acquire: `jobslot acquire [-c COUNT|MIN..MAX] [-w TIME | -n] [options] [--] CMD [ARG…]
jobslot acquire --for PID [-c COUNT] [-w TIME | -n] [options]

Holds slots of the limit in force while CMD runs. In a recipe of make, mark the line with + so that make hands its
jobserver on. The commands of one recipe share the slot that the recipe has anyway, and take tokens for more; so do the
commands of a member of a pool.

  -c, --count C          how many slots: 4, or 1..8 to wait for 1 and take up to 8 of what is free then. With it,
                         {slots} in ARG becomes the number held. A command with several gets a jobserver of them
      --no-substitute    leaves {slots} as it is; JOBSLOT_SLOTS tells the number in any case
      --for PID          no command: prints the id of a slot that is held until jobslot release, or the end of PID
  -w, --timeout TIME     how long to wait; without it for ever, but 60 s where COUNT or MIN is above 1 and the limit is
                         a jobserver
  -n, --no-wait          the same as --timeout 0
  -E, --timeout-status N the exit status for no slot in time (75)
      --pool NAME        from this pool
      --label TEXT       what others see of it in jobslot status; without it, CMD
      --priority P       who waits for the pool with a higher one is served first; 0, may be below
      --strict           what is named as the limit and cannot be used is an error (69), not a warning

  jobslot acquire -- ./slow-test
  jobslot acquire -c 1..8 -- vitest --maxWorkers={slots}
  slot=$(jobslot acquire --for $$)   in a script: held to its end`,
  release: `jobslot release SLOT [SLOT…]

Gives back slots that jobslot acquire --for holds, by the ids that it printed. What is held no more, because its process
has ended or it was released before, is told of, and the status is 69.

  slot=$(jobslot acquire --for $$)
  jobslot release $slot`,
  status: `jobslot status [--pool NAME | --all] [--json] [--watch]

Shows slots, free ones, who holds the others and who waits: of the pool NAME; else of the jobserver, or the pool of
JOBSLOT_POOL, that is in force here; else of every pool. In a plain jobserver nobody knows who holds what.

      --pool NAME  of this pool
      --all        of every pool, whatever is in force here
      --watch      again and again, until Ctrl-C: in a terminal drawn anew, else a line for each change
      --json       of the limit in force: { pool, slots, effective, free, governor, members, waiters, overReturned,
                   reclaimed }; of a plain jobserver { pool: null, slots, free, members: null, waiters: null }; with
                   --all an array, one for each pool. With --watch one line for each change

SLOTS are those in use; those that lie READY for a member go to another if that one has a use for them.`,
  resize: `jobslot resize --pool NAME [N] [--max-load L] [--min-memory M] [--max-pressure P]

Sets how many slots a pool has, at once and for later; makes the pool. More are there at once; fewer as jobs end. With 0
nobody gets a slot any more, and what runs goes on: so a host is drained.

      --pool NAME       the pool
${GOVERNOR}
                        "none" takes such a limit away; what is not named stays

  jobslot resize --pool ci 12
  jobslot resize --pool ci --max-load 16`,
  remove: `jobslot remove --pool NAME

Forgets a pool that nobody uses, and what it was set to. Whoever names it next makes it anew, with a slot for each CPU
of the host. A pool in use stays, and the status is 69.

      --pool NAME       the pool

  jobslot remove --pool ci`,
  doctor: `jobslot doctor [--json]

Says which limit is in force here, how it was found, whether it works and why not, and which tools it does not reach.
The status is 0, whatever it finds.

      --json   { inForce: "jobserver" | "pool" | "none", stateDir,
                 pool: null | { name, dir, running, slots, free },
                 jobserver: null |
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
  if (/^job( |$)/.test(command)) return jobHelp(command.slice('job '.length))
  const text = Object.hasOwn(HELP, command) ? HELP[command] : undefined
  if (text === undefined) throw new UsageError(unknownCommand(command, [...Object.keys(HELP).filter(Boolean), 'job']))
  return text
}
