import { cpus } from 'node:os'

/** The processor time of one operation by its user, in milliseconds. */
export interface ProcessorTime {
  /** The server, with all its threads. */
  readonly server: number
  /** This process, which simulates the visitors. */
  readonly visitors: number
  /** The rest of the machine: PostgreSQL, the operating system, and other processes. */
  readonly others: number
}

/**
 * Starts to measure the use of the processors.
 *
 * @param url The server's address.
 * @returns A function that resolves to the time per operation since then.
 */
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
  if (seconds.length !== 2) throw new Error('The /metrics of the server lack latchkey_process_cpu_seconds_total.')
  const { user, system } = process.cpuUsage()
  return {
    server: 1000 * seconds.reduce((sum, value) => sum + value, 0),
    visitors: (user + system) / 1000,
    machine: cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0),
  }
}
