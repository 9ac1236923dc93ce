import { JobStore } from '../../src/store/job-store.ts'
import { load } from '../../src/store/journal/load.ts'
import { type Machine, Process, simLines } from './sim-machine.ts'

/** A store on a simulated machine, for one process that nobody stirs. */
export async function openSimulated(
  machine: Machine,
  worker: number,
  disk = new Process(machine, worker),
): Promise<JobStore> {
  return new JobStore({
    disk,
    lines: simLines,
    lives: disk.lives,
    watch: () => ({ on() {}, off() {} }),
    loaded: await load(disk, simLines),
    synced: true,
    leaseMs: 60_000,
    retention: 1e9,
    now: () => Date.now(),
    pid: process.pid,
  })
}
