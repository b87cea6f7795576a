import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ImageConfiguration } from './buildah.js'

/** An image to be run, and what its operator adds. */
export interface ImageRun {
  /** The folder with its files. */
  readonly root: string
  readonly configuration: ImageConfiguration
  /** Instead of the image's own. */
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A folder of this machine to be seen at a path of the image; it can be written to as its owner allows. */
  readonly volumes?: Readonly<Record<string, string>>
}

/** How a process of an image ended. */
export interface ImageExit {
  readonly code: number | null
  readonly output: string
}

/** A process of an image. */
export interface ImageProcess {
  readonly ended: Promise<ImageExit>
  /** Sends the signal that the image asks for. */
  stop(): Promise<ImageExit>
  kill(): Promise<ImageExit>
}

const prepare = `
set -e
root=$1; shift
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
shift
mount -o remount,bind,ro "$root"
workingFolder=$1 user=$2 group=$3; shift 3
exec unshare --root="$root" --wd="$workingFolder" --setgid="$group" --setuid="$user" -- "$@"
`

/**
 * Runs an image as a container engine does, as far as the image can tell: its files as the root file system, read-only; its user; the
 * first process of a process space of its own; its environment and working folder. The network is this machine's.
 */
export function runImage({ root, configuration, command, env = {}, volumes = {} }: ImageRun): ImageProcess {
  const { Entrypoint, Cmd, Env, User, WorkingDir, StopSignal } = configuration
  const [user = '', group = user] = User.split(':')
  const mounts = Object.entries(volumes).flatMap(([path, folder]) => [folder, path])
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', prepare, 'sh', root, ...mounts, '--'],
      ...[WorkingDir, user, group, ...(command ?? [...Entrypoint, ...Cmd])],
    ],
    { env: { PATH: process.env.PATH, ...Object.fromEntries(Env.map(splitVariable)), ...env } },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }))
  return {
    ended,
    stop: () => {
      process.kill(firstChildOf(child.pid), StopSignal as NodeJS.Signals)
      return ended
    },
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}

/** `unshare` itself stays outside, waits, and ignores what it is told. */
function firstChildOf(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ', 1)[0])
}
