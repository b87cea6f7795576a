import { cpus } from 'node:os'

interface CpuTime {
  readonly busyMs: number
  readonly totalMs: number
}

/**
 * Starts to measure the load of this machine.
 *
 * @returns A function that returns the busy share since then, 0 to 1, of all processes together.
 */
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
