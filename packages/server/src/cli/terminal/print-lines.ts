import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { CommandContext } from '../command-context.js'

/**
 * Prints a long text piece by piece, no faster than it is read. A reader that closes the pipe
 * early, such as `head`, is not a failure.
 */
export async function printLines(pieces: AsyncIterable<string>, { stdout }: CommandContext): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), stdout, { end: false })
  } catch (error) {
    if (!isClosedPipe(error)) throw error
  }
}

function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}
