import type { ChildProcess } from 'node:child_process'

/**
 * Resolves with the URL that a program prints when it is ready. Rejects with the output when the
 * program ends without it.
 */
export function startedUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const collect = (text: unknown) => {
      output += String(text)
      const url = /up at (http:\S+)/.exec(output)?.[1]
      if (url !== undefined) resolve(url)
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.once('close', (code) => reject(new Error(`The program ended with ${code} and said: ${output}`)))
  })
}
