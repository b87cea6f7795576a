import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The content of a copy that was checked completely. */
export interface CopiedData {
  readonly accounts: number
  readonly secrets: number
  /** The IDs of the master keys that have sealed values of the copy. */
  readonly masterKeyIds: readonly string[]
}

/** Options of `copyDataFile`. */
export interface CopyOptions {
  /** Stops the copy, which is then incomplete. */
  readonly signal: AbortSignal
  /** Called at intervals with the bytes written. */
  readonly onProgress: (bytes: number) => void
}

const program = fileURLToPath(new URL('./copy-process.js', import.meta.url))
const progressIntervalMs = 100

/**
 * Copies a consistent snapshot of the embedded database while other processes may write to it, and
 * checks the whole copy. Rejects with the message of SQLite if the file is damaged or is not a
 * database of Latchkey, and with an AbortError if it was stopped.
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
  // Loaded here, because a starting server copies nothing.
  const [{ Type }, { Value }] = await Promise.all([import('typebox'), import('typebox/value')])
  const Facts = Type.Object({
    accounts: Type.Number(),
    secrets: Type.Number(),
    masterKeyIds: Type.Array(Type.String()),
  })
  return Value.Parse(Facts, JSON.parse(stdout))
}

/** Returns the error of SQLite for a failed copy. */
export function copyFailure(error: unknown): Error {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  return stderr === '' && error instanceof Error ? error : new Error(stderr)
}
