import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What is in a copy that was read from end to end and found whole. */
export interface CopiedData {
  readonly accounts: number
  readonly secrets: number
  /** The master keys that something in it is sealed under. */
  readonly masterKeyIds: readonly string[]
}

/** How a copy is made. */
export interface CopyOptions {
  /** Stops it; the copy is then not whole. */
  readonly signal: AbortSignal
  /** Called now and then with the bytes written. */
  readonly onProgress: (bytes: number) => void
}

const program = fileURLToPath(new URL('./copy-process.js', import.meta.url))
const progressIntervalMs = 100

/**
 * Copies the data file of the embedded database as it stands at one moment, beside whoever writes to it, and reads the copy from end to end. Rejects with
 * what SQLite says of a file that is damaged, or that is none of ours, and with an AbortError when it was stopped.
 */
export async function copyDataFile(from: string, to: string, { signal, onProgress }: CopyOptions): Promise<CopiedData> {
  const timer = setInterval(() => {
    if (existsSync(to)) onProgress(statSync(to).size)
  }, progressIntervalMs)
  try {
    const options = { signal, killSignal: 'SIGKILL' } as const
    const { stdout } = await promisify(execFile)(process.execPath, [program, from, to], options)
    return await readFacts(stdout)
  } finally {
    clearInterval(timer)
  }
}

async function readFacts(stdout: string): Promise<CopiedData> {
  // Loaded here: a server that starts copies nothing.
  const [{ Type }, { Value }] = await Promise.all([import('typebox'), import('typebox/value')])
  const Facts = Type.Object({
    accounts: Type.Number(),
    secrets: Type.Number(),
    masterKeyIds: Type.Array(Type.String()),
  })
  return Value.Parse(Facts, JSON.parse(stdout))
}

/** What SQLite said when a copy failed. */
export function copyFailure(error: unknown): Error {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  return said === '' && error instanceof Error ? error : new Error(said)
}
