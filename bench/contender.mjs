import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * One of those that are compared: a process that does what is measured each time it is asked to, by a line on its
 * standard input, and answers with a line of figures. It lives through all rounds, so that only the first has to warm up.
 */
export function startContender(name, argv, env) {
  const [command, ...args] = argv
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  // One that has failed is found out by the answer that does not come.
  child.stdin.on('error', () => {})
  ended.catch(() => {})
  const failure = ([code, signal]) =>
    new Error(`"${name}" ended (${signal ?? `exit status ${code}`}): ${argv.join(' ')}`)
  /** Its next line, without being asked. */
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw failure(await ended)
    return value
  }
  return {
    name,
    answer,
    ask(request = '') {
      child.stdin.write(`${request}\n`)
      return answer()
    },
    async end() {
      child.stdin.end()
      const how = await ended
      if (how[0] !== 0) throw failure(how)
    },
  }
}

/**
 * Asks each contender once, then each once more, and so on: A B A B. What else the machine does meets all of them alike.
 *
 * @param measures one function for each contender
 * @param options.warmUp how many rounds come before those that count
 * @param options.onProgress is told the share that is done
 * @returns for each contender, its figures by round
 */
export async function byTurns(measures, { rounds, warmUp = 1, onProgress }) {
  const figures = measures.map(() => [])
  for (let round = -warmUp; round < rounds; round++) {
    for (const [i, measure] of measures.entries()) {
      const measured = await measure()
      if (round >= 0) figures[i].push(measured)
    }
    onProgress((round + 1) / rounds)
  }
  return figures
}
