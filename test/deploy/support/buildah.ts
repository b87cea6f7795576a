import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { requireProgram } from '../../support/installed-program.js'

/** The parts of an image's configuration that the tests read. */
export interface ImageConfiguration {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly WorkingDir: string
  readonly StopSignal: string
  readonly ExposedPorts: Readonly<Record<string, unknown>>
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

/** Options of a build. */
export interface BuildOptions {
  readonly file: string
  readonly context: string
  readonly name: string
  readonly arguments: Readonly<Record<string, string>>
  /** Folders of this machine that the build may use. */
  readonly volumes: Readonly<Record<string, string>>
}

/**
 * Builds images without a container engine, in a temporary store that `dispose` removes. Needs
 * root, as chroot does.
 */
export class Buildah {
  /** A folder for temporary files, which `dispose` removes. */
  readonly folder = mkdtempSync(join(tmpdir(), 'latchkey-image-'))

  constructor() {
    requireProgram('buildah', 'buildah')
    if (process.getuid?.() !== 0) throw new Error('The image is built and run with chroot, which takes root.')
  }

  /** Creates an image from a folder. */
  async commit(root: string, name: string, { user, env = {} }: { user?: string; env?: Record<string, string> }) {
    const container = await this.#run(['from', 'scratch'])
    await this.#run(['copy', '--quiet', container, root, '/'])
    const options = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
    if (user !== undefined) options.push('--user', user)
    if (options.length > 0) await this.#run(['config', ...options, container])
    await this.#run(['commit', '--quiet', '--rm', container, name])
    rmSync(root, { recursive: true })
  }

  /** Builds from a Dockerfile and existing images. */
  async build({ file, context, name, arguments: args, volumes }: BuildOptions): Promise<void> {
    await this.#run([
      'build',
      ...['--pull-never', '--format', 'docker', '--network', 'host', '--file', file, '--tag', name],
      ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
      ...Object.entries(volumes).flatMap(([from, to]) => ['--volume', `${from}:${to}`]),
      context,
    ])
  }

  async configuration(name: string): Promise<ImageConfiguration> {
    return JSON.parse(await this.#run(['inspect', '--type', 'image', name])).Docker.config
  }

  /** Returns the folder with the files of an image. */
  async mount(name: string): Promise<string> {
    const container = await this.#run(['from', '--pull-never', name])
    return this.#run(['mount', container])
  }

  async dispose(): Promise<void> {
    await this.#run(['rm', '--all'])
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #run(args: readonly string[]): Promise<string> {
    const store = ['--root', join(this.folder, 'store'), '--runroot', join(this.folder, 'run')]
    const env = { ...process.env, BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs', TMPDIR: this.folder }
    const child = spawn('buildah', [...store, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
    if (code !== 0) throw new Error(`buildah ${args[0]} ended with ${code}:\n${stdout}\n${stderr}`)
    return stdout.trim()
  }
}
