import { spawnSync } from 'node:child_process'
import { validate } from 'dockerfile-utils'
import { requireProgram } from '../../support/installed-program.js'

const yamlRules = {
  extends: 'default',
  rules: {
    'document-start': 'disable',
    // The text of an alert is one line.
    'line-length': { max: 260 },
    braces: { 'min-spaces-inside': 0, 'max-spaces-inside': 1 },
    comments: { 'min-spaces-from-content': 1 },
    // A workflow's "on" is a key.
    truthy: { 'check-keys': false },
  },
}

/** Returns the output of yamllint for files and folders; empty when there is no complaint. */
export function yamlComplaints(paths: readonly string[]): string {
  requireProgram('yamllint', 'yamllint')
  const { stdout, stderr } = spawnSync(
    'yamllint',
    ['--strict', '--format', 'parsable', '--config-data', JSON.stringify(yamlRules), ...paths],
    { encoding: 'utf8' },
  )
  return stdout + stderr
}

/** Returns the faults in the text of a Dockerfile, by its grammar and by the policy. */
export function dockerfileComplaints(text: string): readonly string[] {
  const instructions = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line))
  const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')))
  const lacks = (pattern: RegExp) => !last.some((line) => pattern.test(line))
  const checks: readonly (readonly [boolean, string])[] = [
    [
      instructions.some((line) => /^FROM (?!\S+:[\w.-]*)/.test(line) || /^FROM \S+:latest\b/.test(line)),
      'a base image has no tag of its own',
    ],
    [lacks(/^USER [1-9]\d*:[1-9]\d*$/), 'the last stage does not name a user by number other than root'],
    [lacks(/^ENTRYPOINT \[/), 'the entry point is run by a shell'],
    [lacks(/^HEALTHCHECK .*CMD \[/), 'the health check is missing, or run by a shell'],
    [instructions.some((line) => /^ADD /.test(line)), 'ADD fetches and unpacks; COPY does not'],
    [
      instructions.some((line) => /^(ARG|ENV) .*(PASSWORD|SECRET|TOKEN|KEYS?)=/.test(line)),
      'a secret would stay in the image',
    ],
    [last.some((line) => line.startsWith('RUN ')), 'the last stage runs something, which takes a shell'],
  ]
  const grammar = validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)
  return [...grammar, ...checks.filter(([holds]) => holds).map(([, complaint]) => complaint)]
}
