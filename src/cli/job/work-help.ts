export const WORK_HELP = `jobslot job work [-j N | --pool NAME] [--drain] [options] [-- CMD [ARG…]]
jobslot job work --module FILE [-j N | --pool NAME] [--drain] [options]

Runs jobs as they come, each in a slot of the limit in force: that of --pool, of the make above, of JOBSLOT_POOL, or the
pool default. First the slot is taken, then the job. While there is none, no slot is held. Any number of these may work
on one store.

Each job is a process: the command that was queued, in its folder. With CMD it is CMD, here, for every job: a job that
was queued as a command is a request as well then, { cmd, cwd }, and does not run by itself. Without CMD and --module, a
job that is no command fails for good: it is not left for others. A job's process has the environment of jobslot job
work, a jobserver of its own in MAKEFLAGS, and

  stdin, and the file $JOBSLOT_REQUEST   its request, JSON; the file is gone when it has ended
  $JOBSLOT_JOB, $JOBSLOT_ATTEMPT         its number, and which run it is, from 1 on
  $JOBSLOT_STORE                         the store: jobslot job add adds to the same one

What it prints goes into its log (jobslot job log). Exit status 0: it is fulfilled, with what it has printed on stdout
(the last 16 MiB of that). Else it has failed, and is tried again while it has attempts left.

With --module the default export of FILE runs the jobs, in Node processes that are kept for the next ones:
async (request, { id, attempt, signal }) => value. A value that is neither text nor bytes becomes JSON. What it throws
is the job's error. It has one slot, and no jobserver of its own.

  -j, --slots N        at most N jobs at once, whose slots are drawn from the limit in force where there is one
      --pool NAME      each job in a slot of this pool
      --drain          ends when all jobs of the store have ended, also those that are delayed or run elsewhere; or when
                       the store is paused
      --grace TIME     how long a job that is to end has between TERM and KILL (10s), where jobslot job cancel says
                       nothing else
      --module FILE    see above
  -v, --verbose        tells of each run that has ended, and how many there were; on a terminal both are shown anyway
      --dir DIR        the store's folder; without it $JOBSLOT_STORE, else ~/.local/state/jobslot
      --json           one line for each job that has ended: { id, state, attempt, ms, error }

INT (Ctrl-C), TERM and HUP: no more jobs are taken, and those that run go on to their end; jobs are in sessions of their
own, so Ctrl-C does not reach them. A second one ends them, TERM first, and they are free for others; a third one sends
KILL. If jobslot job work is itself killed, its jobs are free for others at once, who first end what is left of their
processes.

Exit status: with --drain 0 where all that it ran was fulfilled, 1 where not; where a signal ended it, by that signal;
64 wrong use; 69 the store, the pool or the module cannot be used; 127 there is no such CMD.

  jobslot job work
  jobslot job work -j4 --drain
  jobslot job work --pool ci -- ./run-job.sh
  jobslot job work --module jobs.mjs -j2`
