import { cpus } from 'node:os'

/** Where the processor time of one operation went, in milliseconds. */
export interface ProcessorTime {
  /** Of the server, all its threads. */
  readonly server: number
  /** Of this process, which plays the visitors. */
  readonly visitors: number
  /** Of everything else on the machine: PostgreSQL, the system, and whoever disturbs. */
  readonly others: number
}

/** Begins to watch who uses the processors; the function it gives tells it for each of so many operations since. `url`: the server's. */
export async function watchProcessors(url: string): Promise<(operations: number) => Promise<ProcessorTime>> {
  const start = await readTimes(url)
  return async (operations) => {
    const now = await readTimes(url)
    const server = (now.server - start.server) / operations
    const visitors = (now.visitors - start.visitors) / operations
    return { server, visitors, others: (now.machine - start.machine) / operations - server - visitors }
  }
}

async function readTimes(url: string) {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const seconds = [...metrics.matchAll(/^latchkey_process_cpu_seconds_total\{.*\} (\S+)$/gm)].map(([, value]) =>
    Number(value),
  )
  if (seconds.length !== 2) throw new Error('The server does not tell its processor time.')
  const { user, system } = process.cpuUsage()
  return {
    server: 1000 * seconds.reduce((sum, value) => sum + value, 0),
    visitors: (user + system) / 1000,
    machine: cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0),
  }
}
