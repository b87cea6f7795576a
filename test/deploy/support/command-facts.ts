import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { usageProblem } from '../../support/latchkey-usage.js'
import type { Call } from './page-walk.js'

/** Flags by command. One that ends in `=` takes a value, also as the next word. */
type Facts = Readonly<Record<string, readonly string[]>>

/** The flags of gcloud commands in the help of gcloud 578.0.0. */
const gcloud: Facts = JSON.parse(readFileSync(new URL('gcloud-flags.json', import.meta.url), 'utf8'))

const facts: Readonly<Record<string, Facts>> = {
  gcloud: Object.fromEntries(
    Object.entries(gcloud).map(([command, flags]) => [
      command,
      [...flags, '--project', '--quiet', '--format', '--filter', '--account'],
    ]),
  ),
  // https://docs.docker.com/reference/cli/docker/
  docker: {
    build: ['--build-arg=', '--file=', '--label=', '--no-cache', '--platform=', '--pull', '--tag=', '--target='],
    push: ['--all-tags', '--quiet'],
    run: ['--detach', '--env=', '--name=', '--publish=', '--read-only', '--rm', '--user=', '--volume='],
    'buildx build': ['--build-arg=', '--build-context=', '--file=', '--load', '--platform=', '--push', '--tag='],
    'buildx imagetools inspect': ['--builder=', '--format=', '--raw'],
    'compose build': ['--build-arg=', '--no-cache', '--pull', '--quiet'],
    'compose exec': ['--detach', '--env=', '--index=', '--no-TTY', '--user=', '--workdir='],
    'compose run': [
      '--build',
      '--detach',
      '--env=',
      '--name=',
      '--no-TTY',
      '--no-deps',
      '--rm',
      '--user=',
      '--volume=',
    ],
    'compose stop': ['--timeout='],
    'compose up': ['--build', '--detach', '--force-recreate', '--no-deps', '--timeout=', '--wait', '--wait-timeout='],
  },
  // https://kind.sigs.k8s.io/docs/user/quick-start/
  kind: {
    'create cluster': ['--config=', '--image=', '--kubeconfig=', '--name=', '--retain', '--wait='],
    'load docker-image': ['--name=', '--nodes='],
  },
  // https://cli.github.com/manual/gh_attestation_verify
  gh: { 'attestation verify': ['--bundle=', '--format=', '--owner=', '--repo=', '--signer-workflow='] },
  // https://docs.npmjs.com/cli/commands
  npm: {
    audit: [],
    'cache clean': ['--force'],
    ci: ['--ignore-scripts', '--omit=', '--workspace='],
    cit: [],
    i: [],
    install: ['--ignore-scripts', '--omit=', '--workspace='],
    pack: [],
    run: ['--silent'],
    sbom: ['--omit=', '--sbom-format=', '--sbom-type='],
    start: ['-w=', '--workspace='],
    test: [],
  },
  // https://www.freedesktop.org/software/systemd/man/
  systemctl: { 'daemon-reload': [], enable: ['--now'], restart: [], start: [] },
  journalctl: { '': ['--follow', '--unit='] },
  'apt-get': { install: ['--no-install-recommends', '--yes'] },
}

/** Commands whose words after the first argument belong to another program. */
const passOn = ['docker run', 'docker compose exec', 'docker compose run', 'npm run']

/**
 * Returns the faults of calls of programs that the tests do not have, and of kubectl by its help.
 */
export function callProblems(calls: readonly Call[]): readonly string[] {
  return calls.flatMap((call) => [
    ...(call.program === 'kubectl' ? kubectlProblems(call) : problemsOf(call)),
    ...latchkeyProblems(call),
  ])
}

/** Returns the called command: the longest prefix that is a command. */
export function commandOf({ program, args }: Call): string | undefined {
  const known = facts[program]
  if (known === undefined) return undefined
  const lengths = args.map((_, index) => args.length - index)
  const prefixes = [...lengths, 0].map((length) => args.slice(0, length).join(' '))
  return prefixes.find((prefix) => known[prefix] !== undefined)
}

function problemsOf(call: Call): readonly string[] {
  const { program, args } = call
  if (facts[program] === undefined) return []
  const command = commandOf(call)
  const known = facts[program]?.[command ?? ''] ?? []
  if (command === undefined) return [`unknown: ${program} ${args.join(' ')}`]
  const isKnown = (flag: string) => known.includes(flag) || known.includes(`${flag}=`)
  return flagsOf(call, command)
    .filter((flag) => !isKnown(flag))
    .map((flag) => `${program} ${command} has no ${flag}`)
}

/** Returns the long flags of a call, up to the words of another program. */
function flagsOf({ program, args }: Call, command: string): readonly string[] {
  const words = args.slice(command === '' ? 0 : command.split(' ').length)
  const end = passOn.includes(`${program} ${command}`) ? restAt(words, facts[program]?.[command] ?? []) : words.length
  return words
    .slice(0, end)
    .filter((word) => word.startsWith('-'))
    .map((word) => word.split('=', 1)[0] ?? word)
}

/** Returns the index of the first word that is neither a flag nor the value of one. */
function restAt(words: readonly string[], known: readonly string[]): number {
  const index = words.findIndex((word, at) => !word.startsWith('-') && !known.includes(`${words[at - 1] ?? ''}=`))
  return index === -1 ? words.length : index
}

/**
 * Returns why the command line of Latchkey refuses the words that a call of Docker Compose or
 * kubectl passes to it.
 */
function latchkeyProblems(call: Call): readonly string[] {
  const { program, args } = call
  const own = args.findIndex((word) => word.endsWith('/latchkey.js'))
  if (own !== -1) return [usageProblem(args.slice(own + 1)) ?? []].flat()
  if (program !== 'docker' || commandOf(call) !== 'compose run') return []
  const words = args.slice(2)
  const [, ...command] = words.slice(restAt(words, facts.docker?.['compose run'] ?? []))
  return [usageProblem(command) ?? []].flat()
}

/**
 * Returns the flags that the help of kubectl does not list, and commands that kubectl does not
 * have.
 */
function kubectlProblems({ args: all }: Call): readonly string[] {
  const args = all.slice(0, all.includes('--') ? all.indexOf('--') : undefined)
  const words = args.filter((word, at) => !word.startsWith('-') && args[at - 1] !== '--namespace')
  const command = [...Array(3).keys()]
    .map((index) => words.slice(0, 3 - index))
    .find((prefix) => prefix.length > 0 && `${usageOf(prefix)} `.startsWith(`${prefix.join(' ')} `))
  if (command === undefined || isGroup(command)) return [`unknown: kubectl ${args.join(' ')}`]
  const help = helpOf(command) + helpOf()
  return args
    .filter((word) => word.startsWith('--'))
    .map((word) => word.split('=', 1)[0] ?? word)
    .filter((flag) => !help.includes(` ${flag}=`))
    .map((flag) => `kubectl ${command.join(' ')} has no ${flag}`)
}

function usageOf(words: readonly string[]): string {
  return /^Usage:\n {2}kubectl (.*)$/m.exec(helpOf(words))?.[1] ?? ''
}

/** Returns whether the words name a group of commands, such as `create secret`, and no command. */
function isGroup(words: readonly string[]): boolean {
  const usage = usageOf(words)
  return usage.includes('SUBCOMMAND') || /\([a-z][a-z-]* \|/.test(usage)
}

const helps = new Map<string, string>()

/**
 * Returns the help of kubectl for a command, or without a command, the options of every command.
 */
function helpOf(command: readonly string[] = []): string {
  const key = command.join(' ')
  const known = helps.get(key)
  if (known !== undefined) return known
  const { stdout } = spawnSync('kubectl', command.length === 0 ? ['options'] : [...command, '--help'], {
    encoding: 'utf8',
  })
  helps.set(key, stdout)
  return stdout
}
