import { availableParallelism } from 'node:os'
import { cgroupFolders, readText } from '../governor/cgroup.ts'

/** The CPUs this process may use: its affinity, and the quota of its cgroups where one is set. At least 1. */
export function availableCpus(): number {
  return Math.max(1, Math.min(availableParallelism(), cgroupQuota()))
}

function cgroupQuota(): number {
  const quotas = cgroupFolders('cpu').map(({ version, path }) => {
    if (version === 2) return quotaOf(firstLine(`${path}/cpu.max`))
    return quotaOf(`${firstLine(`${path}/cpu.cfs_quota_us`)} ${firstLine(`${path}/cpu.cfs_period_us`)}`)
  })
  return Math.min(Number.POSITIVE_INFINITY, ...quotas)
}

/** CPUs by the text of `cpu.max`, "150000 100000": quota and period. Part of a CPU does not count; no quota is all. */
export function quotaOf(text: string | undefined): number {
  const [quota, period] = (text ?? '').split(' ').map(Number)
  if (!quota || !period || quota <= 0) return Number.POSITIVE_INFINITY
  return Math.floor(quota / period)
}

const firstLine = (path: string): string | undefined => readText(path)?.split('\n', 1)[0]
