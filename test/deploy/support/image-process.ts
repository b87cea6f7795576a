import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ImageConfiguration } from './buildah.js'

/** An image to run, with the options of its operator. */
export interface ImageRun {
  /** The folder with the files of the image. */
  readonly root: string
  readonly configuration: ImageConfiguration
  /** Replaces the command of the image. */
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /**
   * Folders of this machine by the path in the image where they are mounted; the owner of a folder
   * decides who can write to it.
   */
  readonly volumes?: Readonly<Record<string, string>>
}

/** The end of a process of an image. */
export interface ImageExit {
  readonly code: number | null
  readonly output: string
}

/** A process of an image. */
export interface ImageProcess {
  readonly ended: Promise<ImageExit>
  /** Sends the stop signal of the image. */
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
 * Runs an image like a container engine: its files as the read-only root file system, its user, a
 * new process namespace, its environment and its working folder. The network is that of this
 * machine.
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

/**
 * Returns the child of `unshare`, because `unshare` itself stays outside, waits, and ignores
 * signals.
 */
function firstChildOf(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ', 1)[0])
}
