import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'

/** The clock ticks of `/proc/<pid>/stat`, the same on every Linux that Node supports. */
const ticksPerSecond = 100

/**
 * Starts to measure a server process and its children.
 *
 * @param pid The process ID of the parent.
 * @returns A function that returns the cores that they have used since then.
 */
export function watchServerCpu(pid: number): () => number {
  const from = { cpuMs: cpuMsOf(pid), at: performance.now() }
  return () => (cpuMsOf(pid) - from.cpuMs) / (performance.now() - from.at)
}

/** Returns the process ID of the server that all backends are children of. */
export async function postmasterOf(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return parentOf(rows[0]?.pid ?? 0)
  } finally {
    await client.end()
  }
}

function parentOf(pid: number): number {
  return Number(statOf(pid)?.[1])
}

/** Returns the CPU time of a process and its children, those that have exited included. */
function cpuMsOf(server: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const exited = statOf(server)
  const exitedTicks = exited === undefined ? 0 : Number(exited[13]) + Number(exited[14])
  return pids
    .map(Number)
    .filter((pid) => pid === server || parentOf(pid) === server)
    .reduce((sum, pid) => sum + runMsOf(pid), (1000 * exitedTicks) / ticksPerSecond)
}

/** Returns the time on a processor, which Linux counts in nanoseconds. */
function runMsOf(pid: number): number {
  return Number((readIfThere(pid, 'schedstat') ?? '0').split(' ')[0]) / 1e6
}

/** Returns the fields of `/proc/<pid>/stat` from the third on: state, parent, … */
function statOf(pid: number): readonly string[] | undefined {
  return readIfThere(pid, 'stat')
    ?.replace(/^.*\) /s, '')
    .split(' ')
}

function readIfThere(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // The process has exited meanwhile.
    return undefined
  }
}
