import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** The CPUs this process may use: its affinity, and the quota of its cgroups where one is set. At least 1. */
export function availableCpus(): number {
  return Math.max(1, Math.min(availableParallelism(), cgroupQuota()))
}

function cgroupQuota(): number {
  let quota = Number.POSITIVE_INFINITY
  for (const line of readLines('/proc/self/cgroup')) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === '') {
      for (const dir of withParents(path))
        quota = Math.min(quota, quotaOf(readLines(`/sys/fs/cgroup${dir}/cpu.max`)[0]))
    } else if (controllers.split(',').includes('cpu')) {
      for (const dir of withParents(path)) {
        const base = `/sys/fs/cgroup/${controllers}${dir}`
        const [max] = readLines(`${base}/cpu.cfs_quota_us`)
        const [period] = readLines(`${base}/cpu.cfs_period_us`)
        quota = Math.min(quota, quotaOf(`${max} ${period}`))
      }
    }
  }
  return quota
}

/** CPUs by the text of `cpu.max`, "150000 100000": quota and period. Part of a CPU does not count; no quota is all. */
export function quotaOf(text: string | undefined): number {
  const [quota, period] = (text ?? '').split(' ').map(Number)
  if (!quota || !period || quota <= 0) return Number.POSITIVE_INFINITY
  return Math.floor(quota / period)
}

/** A quota of any cgroup above counts too. */
function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map((_, i) => `/${parts.slice(0, parts.length - i).join('/')}`).concat('')
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trim().split('\n')
  } catch {
    return []
  }
}
