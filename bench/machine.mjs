import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'

/** The machine on which is measured, and the file system of the folder in which it is done. */
export function machineOf(folder) {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    system: systemName(),
    kernel: `${type()} ${release()} ${process.arch}`,
    fileSystem: fileSystemOf(folder),
    node: process.version,
  }
}

function systemName() {
  try {
    const [, name] = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
    return name ?? ''
  } catch {
    return ''
  }
}

function fileSystemOf(folder) {
  const [, name] = execFileSync('df', ['--output=fstype', folder], { encoding: 'utf8' }).trim().split('\n')
  return name === 'tmpfs' ? 'tmpfs, in memory: nothing waits for a disk' : name
}
