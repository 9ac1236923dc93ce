/** The three ways to build several projects on one machine that are compared. */
export const MODES = [
  { name: 'in one pool', atOnce: true, pool: true },
  { name: 'at once, each with -jN', atOnce: true, pool: false },
  { name: 'in turn, each with -jN', atOnce: false, pool: false },
]

/**
 * A shell script that builds all and is done when the last one is, with the status of the last that failed. Each
 * build is a job of its own in `builds`, so that its end is known too, and writes into a log of its own.
 *
 * @param builds of each `{ name, dir, argv, log }`
 * @param options.run the words that put a build, whose name is added, into the pool
 * @param options.jobs the N of -jN where a build has its own limit
 * @param options.record the words that make a job of a build, whose name is added
 */
export function script(mode, builds, { run, jobs, record }) {
  const lines = builds.map(({ name, dir, argv, log }) => {
    const command = mode.pool ? [...run, '--label', name, '--', ...argv] : [...argv, `-j${jobs}`]
    const line = `(cd ${quoted(dir)} && exec ${[...record, name, ...command].map(quoted).join(' ')}) >${quoted(log)} 2>&1`
    return mode.atOnce ? `${line} &\npids="$pids $!"` : `${line} || status=$?`
  })
  const waits = mode.atOnce ? ['for pid in $pids; do wait $pid || status=$?; done'] : []
  return ['status=0', 'pids=', ...lines, ...waits, 'exit $status', ''].join('\n')
}

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** What jobslot, or a make that has lost its limit, says in a build's log; but that one waits for its turn is no fault. */
export function complaintsIn(log) {
  return log.split('\n').filter((line) => /^jobslot: (?!waiting for )|jobserver unavailable/.test(line))
}

/**
 * What is wrong with one round, in words: empty where all is as it should be.
 *
 * @param results of each mode `{ mode, jobs, peak, outputs, complaints }`; `outputs` maps files to hashes
 */
export function faults(results, limit) {
  const [reference] = results
  return results.flatMap(({ mode, jobs, peak, outputs, complaints }) => [
    ...complaints.map((line) => `${mode.name}: ${line}`),
    ...(mode.pool && peak > limit ? [`${mode.name}: ${peak} jobs at once, the pool has ${limit} slots`] : []),
    ...(jobs === reference.jobs ? [] : [`${mode.name}: ${jobs} jobs, ${reference.mode.name}: ${reference.jobs}`]),
    ...differences(outputs, reference.outputs).map((what) => `${mode.name}: ${what} than ${reference.mode.name}`),
  ])
}

function differences(outputs, others) {
  if (outputs.size === 0) return ['has built nothing, which is less']
  const files = [...new Set([...outputs.keys(), ...others.keys()])]
  const unlike = files.filter((file) => outputs.get(file) !== others.get(file))
  return unlike.length === 0 ? [] : [`${unlike.length} of ${files.length} files are other (${unlike[0]})`]
}
