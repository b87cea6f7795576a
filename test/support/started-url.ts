import type { ChildProcess } from 'node:child_process'

/** The address that a program says it is up at. Rejects, with what it said instead, when it ends without. */
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
