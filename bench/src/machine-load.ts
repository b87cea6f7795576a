import { cpus } from 'node:os'

interface CpuTime {
  readonly busyMs: number
  readonly totalMs: number
}

/** Begins to watch how busy this machine is; gives a function that tells its busy share since, 0 to 1, whoever kept it busy. */
export function watchMachineLoad(): () => number {
  const start = cpuTime()
  return () => {
    const now = cpuTime()
    return (now.busyMs - start.busyMs) / (now.totalMs - start.totalMs)
  }
}

function cpuTime(): CpuTime {
  let busyMs = 0
  let totalMs = 0
  for (const { times } of cpus()) {
    const total = times.user + times.nice + times.sys + times.irq + times.idle
    totalMs += total
    busyMs += total - times.idle
  }
  return { busyMs, totalMs }
}
