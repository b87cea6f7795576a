import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What a module weighs with everything that it reaches, in bytes: as one minified file, of what builds the library. */
export interface MinifiedSize {
  readonly minified: number
  readonly gzipped: number
}

/** Drivers and frameworks are the user's own. */
const external = /^(express|fastify|hono|ioredis|libsql|pg)(\/|$)/

/** Bundles the module of this path. */
export async function minifiedSize(input: string): Promise<MinifiedSize> {
  const bundle = await rolldown({ input, external, platform: 'node' })
  // Comments are marks for yet another bundler.
  const { output } = await bundle.generate({ format: 'esm', minify: true, comments: false })
  await bundle.close()
  const code = output.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('')
  return { minified: Buffer.byteLength(code), gzipped: gzipSync(code).length }
}
