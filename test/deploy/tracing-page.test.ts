import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { validate } from 'dockerfile-utils'
import { describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { npmProblems } from '../support/npm-scripts.js'
import { blocksLeftOut, Page } from '../support/page.js'
import { createDeployment } from '../support/server-process.js'
import { startedUrl } from '../support/started-url.js'

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
const page = Page.at('docs/guides/tracing.md')

/** Starts an OpenTelemetry collector on loopback that records all exports. */
async function startCollector() {
  let received = ''
  const server = createServer(async (request, response) => {
    for await (const chunk of request) received += String(chunk)
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, received: () => received, close: () => server.close() }
}

describe('docs/guides/tracing.md', () => {
  it('starts a server whose traces arrive at a collector', async () => {
    const [commands = ''] = page.take('sh')
    const [install = '', start = ''] = commands.trim().split('\n')
    expect(npmProblems(install)).toEqual([])
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-tracing-'))
    const [script = ''] = page.take('js')
    writeFileSync(join(folder, 'tracing.mjs'), script)
    symlinkSync(modules, join(folder, 'node_modules'))
    mkdirSync(join(folder, 'bin'))
    symlinkSync(process.execPath, join(folder, 'bin/node'))
    const collector = await startCollector()
    const deployment = await createDeployment('sqlite')
    const server = spawn('bash', ['-c', `exec ${start}`], {
      cwd: folder,
      env: {
        ...deployment.env,
        PATH: [join(folder, 'bin'), process.env.PATH].join(delimiter),
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
    })
    try {
      const client = new AuthClient(await startedUrl(server))
      await client.register('ada@example.com')
      await expect.poll(collector.received).toContain('POST /v1/register')
      expect(collector.received()).toContain('"latchkey"')
    } finally {
      server.kill('SIGINT')
      await once(server, 'close')
      collector.close()
      await deployment.dispose()
      rmSync(folder, { recursive: true })
    }
  })

  it('has a valid Dockerfile for the same packages', () => {
    const [dockerfile = ''] = page.take('dockerfile')
    expect(validate(dockerfile)).toEqual([])
    const [, installed] = /^RUN (npm install .*)$/m.exec(dockerfile) ?? []
    expect(page.take('sh').join('\n').split('\n')).toContain(installed)
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/tracing.md')).toEqual([])
  })
})
