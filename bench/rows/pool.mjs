import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { byTurns, startContender } from '../contender.mjs'
import { figure, median, quantile, ratio } from '../statistics.mjs'

const POOL = 'bench'
const PAIRS = 100_000
const MEMBERS = 8
const BUSY_SLOTS = 4
const TICK_MS = 10

export const pool = {
  name: 'pool',
  title: 'A pool by name',
  about: `What a named pool costs its members, and its broker. A member takes and gives back tokens on its own FIFO; the broker
watches, and should neither slow it down nor use the processor for it. Eight members that want more than there is hand
four slots to each other. Last, the start of a command in a slot of a pool whose broker is up.`,
  measure,
}

/** What a named pool costs its members, and its broker. */
async function measure({ quick, dir, env, makeFifo, program, script, cli, onProgress }) {
  const fifo = makeFifo(join(dir, 'fifo'), 4)
  await finished([...cli, 'resize', '--pool', POOL, '8'], env)
  // With a second member the broker has a reason to watch.
  const idle = startContender('idle member', [...cli, 'run', '--pool', POOL, '--', 'cat'], env)
  const inMember = `exec ${program('pair')} "\${MAKEFLAGS##*fifo:}"`
  const pairs = [
    startContender('C: read and write on a FIFO', [program('pair'), fifo], env),
    startContender(
      'C: the same on the FIFO of a pool’s member',
      [...cli, 'run', '--pool', POOL, '--style', 'fifo', '--', 'sh', '-c', inMember],
      env,
    ),
  ]
  await Promise.all(pairs.map(({ ask }) => ask(1)))
  const broker = brokerOf(env.JOBSLOT_DIR)
  const costs = []
  const rounds = await byTurns(
    pairs.map(({ ask }, i) => async () => {
      const began = { cpu: processorMs(broker), at: performance.now() }
      const ns = Number(await ask(PAIRS)) / PAIRS
      if (i === 1) costs.push({ cpu: processorMs(broker) - began.cpu, ms: performance.now() - began.at })
      return ns
    }),
    { rounds: quick ? 5 : 60, onProgress: (share) => onProgress(share * 0.4) },
  )
  await Promise.all(pairs.map(({ end }) => end()))
  const sum = (name) => costs.reduce((total, cost) => total + cost[name], 0)
  const share = sum('cpu') / sum('ms')

  const starts = [
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: 'acquire --pool -- true, the broker up', argv: [...cli, 'acquire', '--pool', POOL, '--', 'true'] },
  ].map(({ name, argv }) => startContender(name, [program('stopwatch'), 'none', ...argv], env))
  const times = await byTurns(
    starts.map(
      ({ ask }) =>
        async () =>
          Number((await ask()).split(' ')[0]),
    ),
    { rounds: quick ? 5 : 31, onProgress: (share) => onProgress(0.4 + share * 0.3) },
  )
  await Promise.all(starts.map(({ end }) => end()))
  await idle.end()

  await finished([...cli, 'resize', '--pool', POOL, String(BUSY_SLOTS)], env)
  const handed = await handOvers({ dir, env, script, seconds: quick ? 2 : 10 })
  onProgress(1)
  return [
    {
      title: 'A token taken and given back by a pool’s member, the broker watching',
      unit: 'ns',
      figures: pairs.map(({ name }, i) => figure(name, rounds[i])),
      ratios: [ratio('speed: member / plain FIFO', [rounds[0], rounds[1]], { target: { atLeast: 0.7 } })],
    },
    {
      title: 'The broker’s processor time meanwhile, in percent of a core',
      unit: '%',
      figures: [figure('broker', [share * 100])],
      ratios: [ratio('share of a core', [[share]], { formula: (value) => value, target: { atMost: 0.05 } })],
    },
    {
      title: 'From one member’s release to another member’s grant, eight members busy on four slots',
      unit: 'ns',
      figures: [{ ...figure('release to grant', handed), p99: quantile(handed, 0.99) }],
      ratios: [
        ratio('median in ms', [[median(handed) / 1e6]], { formula: (value) => value, target: { atMost: 1 } }),
        ratio('99 % in ms', [[quantile(handed, 0.99) / 1e6]], { formula: (value) => value, target: { atMost: 10 } }),
      ],
    },
    {
      title: 'A command run in a slot of a pool: wall-clock time',
      unit: 'ns',
      figures: starts.map(({ name }, i) => figure(name, times[i])),
      ratios: [ratio('time: acquire --pool / node -e 0', [times[1], times[0]], { target: { atMost: 1.8 } })],
    },
  ]
}

/**
 * Every member wants a slot again as soon as it has given one back, so from the first release on each makes one grant
 * possible: the k-th grant is that of the k-th release before it. Pairs of one and the same member do not count.
 */
async function handOvers({ dir, env, script, seconds }) {
  const members = Array.from({ length: MEMBERS }, (_, i) =>
    startContender(`member ${i}`, [...script('pool-member.mjs'), POOL, String(i)], env),
  )
  await Promise.all(members.map(({ ask }) => ask('join')))
  const logs = await Promise.all(members.map(({ ask }) => ask(String(seconds * 1000))))
  await Promise.all(members.map(({ end }) => end()))
  writeFileSync(join(dir, 'hand-overs.json'), JSON.stringify(logs))
  const events = logs.flatMap((log, member) => JSON.parse(log).map(([what, at]) => ({ what, at, member })))
  const releases = events.filter(({ what }) => what === 'release').sort((a, b) => a.at - b.at)
  const grants = events.filter(({ what }) => what === 'grant').sort((a, b) => a.at - b.at)
  const open = []
  const handed = []
  for (const event of [...releases, ...grants].sort((a, b) => a.at - b.at)) {
    if (event.what === 'release') open.push(event)
    else {
      const release = open.shift()
      if (release && release.member !== event.member) handed.push(event.at - release.at)
    }
  }
  return handed
}

function brokerOf(stateDir) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('/broker/broker.') &&
          readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`JOBSLOT_DIR=${stateDir}`)
        )
      } catch {
        return false
      }
    })
}

function processorMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

async function finished([command, ...args], env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const code = await new Promise((resolve) => child.on('exit', resolve))
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  await sleep(0)
}
