import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { requireProgram } from '../support/installed-program.js'
import { dockerfileComplaints, yamlComplaints } from './support/lint.js'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))
const dockerfile = readFileSync(join(deploy, 'docker/Dockerfile'), 'utf8')

function scriptsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sh'))
    .map((name) => join(folder, name))
}

/** Calls `use` with the path of a file with this text. */
function withFile<T>(name: string, text: string, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-lint-'))
  try {
    writeFileSync(join(folder, name), text)
    return use(join(folder, name))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the files that deploy', () => {
  it('are YAML that yamllint accepts', () => {
    expect(yamlComplaints([deploy])).toBe('')
  })

  it.each(['a: 1\na: 2\n', 'a: [1,\n', 'a:\n  b: 1\n   c: 2\n', 'a: yes\n', 'a: 1 \n'])(
    'are refused with %j',
    (text) => {
      expect(withFile('planted.yaml', text, (path) => yamlComplaints([path]))).not.toBe('')
    },
  )

  it('are scripts that shellcheck accepts', () => {
    requireProgram('shellcheck', 'shellcheck')
    const scripts = scriptsIn(deploy)
    expect(scripts.length).toBeGreaterThan(0)
    execFileSync('shellcheck', ['--severity=style', ...scripts])
  })

  it('are refused as a script without quotes', () => {
    requireProgram('shellcheck', 'shellcheck')
    const { status } = withFile('planted.sh', '#!/bin/sh\nrm -r $1\n', (path) => spawnSync('shellcheck', [path]))
    expect(status).not.toBe(0)
  })

  it('are a Dockerfile without fault', () => {
    expect(dockerfileComplaints(dockerfile)).toEqual([])
  })

  it.each<[string, (text: string) => string]>([
    ['an unknown instruction', (text) => text.replace('WORKDIR /app', 'WORKDRI /app')],
    ['an unknown flag', (text) => text.replace('--interval', '--intervall')],
    ['a base image without a tag', (text) => text.replace(':nonroot\n', '\n')],
    ['the newest base image, whatever it is', (text) => text.replace('node:24-bookworm-slim', 'node:latest')],
    ['root', (text) => text.replace('USER 65532:65532', 'USER root')],
    ['a shell around the server', (text) => text.replace(/ENTRYPOINT \[.*\]/, 'ENTRYPOINT node latchkey.js')],
    ['no health check', (text) => text.replace(/HEALTHCHECK [\s\S]*$/, '')],
    ['a secret in the image', (text) => text.replace('ARG VERSION=', 'ARG NPM_TOKEN=')],
    ['a command in the last stage', (text) => text.replace('WORKDIR /app', 'RUN mkdir /app')],
    ['ADD', (text) => text.replace('COPY packages packages', 'ADD packages packages')],
  ])('are refused as a Dockerfile with %s', (_what, fault) => {
    const planted = fault(dockerfile)
    expect(planted).not.toBe(dockerfile)
    expect(dockerfileComplaints(planted)).not.toEqual([])
  })
})
