import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What the core weighs as one minified file, in bytes. */
export interface CoreSize {
  readonly minified: number
  readonly gzipped: number
}

/** Bundles everything that `import 'latchkey'` reaches. */
export async function measureCoreSize(): Promise<CoreSize> {
  const input = fileURLToPath(import.meta.resolve('latchkey'))
  const bundle = await rolldown({ input, platform: 'node' })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const code = output.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('')
  return { minified: Buffer.byteLength(code), gzipped: gzipSync(code).length }
}
