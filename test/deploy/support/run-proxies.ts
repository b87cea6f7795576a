import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../support/free-port.js'
import { emulateEnvoy, emulateTraefik, type Upstreams } from './emulated-proxies.js'
import { startNginx } from './start-nginx.js'

/** A proxy with one of the files: the real program or its emulation. */
export interface RunningProxy {
  readonly port: number
  stop(): unknown
}

/** Returns a file of `deploy/forward-auth`. */
export function readProxyFile(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../deploy/forward-auth/${name}`, import.meta.url)), 'utf8')
}

/** Runs `nginx.conf` in a real nginx. */
export async function runNginx({ latchkey, application }: Upstreams, port?: number): Promise<RunningProxy> {
  const listened = port ?? (await freePort())
  const configuration = readProxyFile('nginx.conf')
    .replace('latchkey:3000', latchkey)
    .replace('application:8000', application)
    .replace('listen 8080', `listen 127.0.0.1:${listened}`)
  const nginx = await startNginx(configuration, `http://127.0.0.1:${listened}`)
  return { port: listened, stop: () => nginx.stop() }
}

/** Runs `traefik.yaml` in an emulation. */
export async function runTraefik(upstreams: Upstreams, listened?: number): Promise<RunningProxy> {
  const { port, close } = await emulateTraefik(readProxyFile('traefik.yaml'), upstreams, listened)
  return { port, stop: close }
}

/** Runs `envoy.yaml` in an emulation. */
export async function runEnvoy(upstreams: Upstreams, listened?: number): Promise<RunningProxy> {
  const { port, close } = await emulateEnvoy(readProxyFile('envoy.yaml'), upstreams, listened)
  return { port, stop: close }
}

/** Each file, and how it is run. */
export const proxies = [
  ['nginx.conf, in a real nginx', runNginx],
  ['traefik.yaml, in an emulation of Traefik', runTraefik],
  ['envoy.yaml, in an emulation of Envoy', runEnvoy],
] as const
