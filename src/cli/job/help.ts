import { UsageError } from '../exit-codes.ts'
import { unknownJobCommand } from '../unknown-command.ts'
import { WORK_HELP } from './work-help.ts'

const DIR = `      --dir DIR        the store's folder; without it $JOBSLOT_STORE, else ~/.local/state/jobslot`

const OVERVIEW = `jobslot job COMMAND [options]

A queue of jobs in a folder, the store: they outlive crashes and reboots, and any number of processes of this host may
add and run them. No server.

  jobslot job add -- make -j4        queues a command, and prints the job's number
  jobslot job add '{"file":"a"}'     queues a request, for a program of your own
  jobslot job work                   runs what is queued, each job in a slot of the limit in force
  jobslot job work --drain           the same until nothing is left
  jobslot job list                   what waits, runs, and has ended
  jobslot job show 7                 all that is known of job 7
  jobslot job log 7 --follow         what job 7 prints
  jobslot job wait 7 8               ends when both have: 0 done, 1 one has failed, 75 not in time
  jobslot job cancel 7               does not run it, or ends it
  jobslot job retry 7                once more, after it has failed or was cancelled
  jobslot job remove 7               forgets it, and its log
  jobslot job pause                  no job is started any more; those that run go on
  jobslot job resume                 jobs are started again
  jobslot job stats                  how many jobs are in which state
  jobslot job verify                 reads all of the store, and tells what is damaged
  jobslot job compact                makes the store as small as what it holds

A job is delayed (for its time, or for another job), pending, active, then fulfilled, failed or cancelled. It is kept
for a day after its end, or as its --keep says.

${DIR}
      --json           of list, show, stats, verify: for programs; one job a line

  jobslot job COMMAND --help           more on one of them

Exit status: 64 wrong use; 69 there is no such job or store, or it cannot be read or written; 70 a fault of jobslot's
own.`

const HELP: Record<string, string> = {
  '': OVERVIEW,
  add: `jobslot job add [options] REQUEST
jobslot job add [options] -           (the request is read from stdin)
jobslot job add [options] -- CMD [ARG…]

Queues a job, and prints its number when it is on disk. The store is made where there is none.

REQUEST is any JSON; who runs it says what it means. A command is queued with the folder it is in now; it runs there,
with the environment of the jobslot job work that runs it, not with this one.

      --priority N     higher ones run first; 0, may be below
      --delay TIME     not before so long from now: 500ms, 10s, 2m, 1h, 7d; a bare number is seconds
      --at TIME        not before: 2030-01-31T18:30 is local, 2030-01-31T17:30Z is not
      --after ID[,ID]  not before these are fulfilled; where one fails or is cancelled, so is this
      --attempts N     how often it may fail before it has failed for good (1)
      --backoff TIME   how long to wait after the first failure (1s); twice as long after each next one, up to 1m
      --losses N       how often a jobslot job work may die while it runs before it has failed; any number
      --key KEY        where an unfinished job has this key, adds nothing, and prints that one's number
      --ttl TIME       not started within so long, it has failed
      --timeout TIME   a run that takes longer is ended, and has failed
      --keep TIME      how long it is kept after its end (1d)
      --log PATH       of a command: where what it prints goes; else see jobslot job log
${DIR}

  jobslot job add -- make -C docs html
  jobslot job add --attempts 5 --backoff 10s -- rsync -a photos backup:
  jobslot job add --key reindex --delay 1m '{"index":"all"}'
  first=$(jobslot job add -- make); jobslot job add --after "$first" -- make install
  jq -c . big.json | jobslot job add -`,
  list: `jobslot job list [--state STATE[,STATE]] [--json] [--dir DIR]

Lists jobs by number. FOR is how long a job has run, or has ended; of one that waits, how long ago it was added.

      --state STATE    only those that are delayed, pending, active, fulfilled, failed or cancelled
${DIR}
      --json           one job a line: { id, state, request, version, attempt, failures, lost, priority, created, runAt,
                       started, finished, pid, key, after, progress, error, waiting }; times are in milliseconds
                       since 1970

  jobslot job list --state active,pending
  jobslot job list --state failed --json | jq .error.message`,
  show: `jobslot job show ID [--json] [--dir DIR]

Shows all that is known of a job, and the value that it was fulfilled with: of a command, what it printed on stdout.

${DIR}
      --json           what job list --json has of it, and its "value" as text; as "base64" where it is no text

  jobslot job show 7
  jobslot job show 7 --json | jq -r .value`,
  wait: `jobslot job wait ID… [-w TIME] [--dir DIR]

Waits until these jobs have ended.

  -w, --timeout TIME   how long to wait: 500ms, 10s, 2m, 1h; 0 only looks; without it for ever
${DIR}

Exit status: 0 all are fulfilled; 1 one has failed or was cancelled; 75 one has not ended in time; 69 there is no such
job.

  jobslot job wait $(jobslot job add -- make) && echo built
  jobslot job wait 7 8 9 --timeout 1h`,
  cancel: `jobslot job cancel ID… [--grace TIME] [--dir DIR]

These jobs are not to run. One that runs is cancelled at once; the jobslot job work that runs it sends its processes
TERM, and KILL where they have not ended after the time of grace. Jobs that come after a cancelled one are cancelled
too.

      --grace TIME     how long its processes have; without it as job work says (10s)
${DIR}

  jobslot job cancel 7
  jobslot job cancel 7 8 --grace 1m`,
  retry: `jobslot job retry ID… [--dir DIR]

Failed or cancelled jobs are pending again, with all of their attempts.

${DIR}

  jobslot job retry 7
  jobslot job list --state failed --json | jq .id | xargs -r jobslot job retry`,
  remove: `jobslot job remove ID… [--dir DIR]

Forgets jobs, whatever their state, and removes their logs from the store's folder. One that runs is ended as by
jobslot job cancel. Jobs that come after one that was not fulfilled are cancelled.

${DIR}

  jobslot job remove 7 8`,
  pause: `jobslot job pause [--dir DIR]

No job is started, by anybody, until jobslot job resume. Those that run go on; more can be added.

${DIR}

  jobslot job pause; sudo systemctl restart database; jobslot job resume`,
  resume: `jobslot job resume [--dir DIR]

Jobs are started again, after jobslot job pause.

${DIR}

  jobslot job resume`,
  log: `jobslot job log ID [-f] [--dir DIR]

Prints what a job has printed, on stdout and stderr, in all of its runs. Each run begins with a line such as "---
attempt 1, 2030-01-31T17:30:00.000Z". It is logs/ID.log in the store's folder, and goes when the job goes, or the file
that job add --log has named, which stays.

  -f, --follow         also what comes, until the job has ended; of one that is cancelled or takes too long also what
                       its processes print until their end, for at most their grace (10s, or as job cancel said)
${DIR}

  jobslot job log 7
  jobslot job log -f $(jobslot job add -- make)`,
  stats: `jobslot job stats [--json] [--dir DIR]

How many jobs are in which state, whether the store is paused, and how many workers hold a job.

${DIR}
      --json           { delayed, pending, active, fulfilled, failed, cancelled, paused, workers, segment, bytes,
                       damage, missing, impossible }

  jobslot job stats --json | jq .pending`,
  verify: `jobslot job verify [--json] [--dir DIR]

Reads all of the store, beside those who use it, and tells what is damaged.

${DIR}
      --json           { ok, jobs, damage: [{ file, offset, bytes }], missing, impossible, values }: missing lines of
                       the journal, lines that make no sense without them, jobs whose value cannot be read

Exit status: 0 nothing is damaged; 1 something is.

  jobslot job verify || jobslot job compact`,
  compact: `jobslot job compact [--dir DIR]

Makes the store as small as what it holds, beside those who use it: jobs whose time to be kept is over are forgotten,
and the logs of jobs that are gone are removed. Jobs of which nothing can be read any more are left out. A store that
is worked on does this by itself, too.

${DIR}

  jobslot job compact`,
  work: WORK_HELP,
}

/** @throws UsageError where there is no such command */
export function jobHelp(command: string): string {
  const text = Object.hasOwn(HELP, command) ? HELP[command] : undefined
  if (text === undefined) throw new UsageError(unknownJobCommand(command, Object.keys(HELP).filter(Boolean)))
  return text
}
