import { readFileSync } from 'node:fs'

/** The text of a file of the kernel's; null where there is none, or none for us. */
export type ReadText = (path: string) => string | null

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

export interface CgroupFolder {
  /** Of the one tree with all controllers, or of this controller's own tree. */
  version: 1 | 2
  path: string
}

/** Where the files of this process's cgroup, and of all above it, may be: what is set in any of them counts. */
export function cgroupFolders(controller: string, read: ReadText = readText): CgroupFolder[] {
  return (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line): CgroupFolder[] => {
    const [, controllers = null, path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === '') return withParents(path).map((dir) => ({ version: 2, path: `/sys/fs/cgroup${dir}` }))
    if (!controllers?.split(',').includes(controller)) return []
    return withParents(path).map((dir) => ({ version: 1, path: `/sys/fs/cgroup/${controllers}${dir}` }))
  })
}

function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map((_, i) => `/${parts.slice(0, parts.length - i).join('/')}`).concat('')
}
