// Writes src/api/schema.d.ts, the types of the API, from the /openapi.json of the compiled server.
// The file is not in the repository, so that it is never out of date.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openapiTypes, { astToString } from 'openapi-typescript'
import { readConfiguration } from '../../server/dist/config/configuration.js'
import { createServer } from '../../server/dist/server.js'

const folder = await mkdtemp(join(tmpdir(), 'latchkey-console-'))
const environment = { LATCHKEY_DATA_DIR: folder, LATCHKEY_ISSUER: 'http://localhost:3000', LOG_LEVEL: 'silent' }
const server = await createServer(readConfiguration(environment))
try {
  const document = (await server.app.inject('/openapi.json')).json()
  await writeFile(new URL('../src/api/schema.d.ts', import.meta.url), astToString(await openapiTypes(document)))
} finally {
  await server.close()
  await rm(folder, { recursive: true, force: true })
}
