import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Page } from '../support/page.js'
import { renderKustomization } from './support/kubernetes-manifests.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const docs = join(repository, 'docs/guides')
const pages = readdirSync(docs).filter((name) => /^(deploy|runbook)-/.test(name))

/** The fenced shell blocks of a page. */
function commandsIn(page: string): string {
  return Page.at(`docs/guides/${page}`)
    .blocks.filter(({ language }) => language === 'sh')
    .map(({ text }) => text)
    .join('\n')
}

describe.each(pages)('docs/guides/%s', (page) => {
  const text = readFileSync(join(docs, page), 'utf8')

  it('names files of this repository that exist', () => {
    const named = [...text.matchAll(/(?<![\w/.-])deploy\/[\w./-]*[\w]/g)].map(([path]) => path)
    const linked = [...text.matchAll(/\]\(([\w./-]+\.md)(?:#[\w-]+)?\)/g)].map(([, name]) =>
      join('docs/guides', name ?? ''),
    )
    expect([...named, ...linked].filter((path) => !existsSync(join(repository, path)))).toEqual([])
  })

  if (page.startsWith('deploy-')) {
    it('names the cost or the requirement of each part', () => {
      expect(text).toMatch(/\| part.* \|.*(cost|billed|asks|what it is here)/)
    })
  }
})

describe('docs/guides/deploy-gke.md', () => {
  it('binds the wrapped master keys to the additional data that the server expects', () => {
    const source = readFileSync(join(repository, 'packages/server/src/database/master-keys/kms-keys.ts'), 'utf8')
    const bound = /additionalData = Buffer\.from\('(.*)'\)/.exec(source)?.[1]
    expect(commandsIn('deploy-gke.md')).toContain(`printf %s '${bound}' > /tmp/bound-to`)
  })

  it('leaves no placeholder in the applied files', () => {
    const commands = commandsIn('deploy-gke.md').split('\n')
    const replacements = commands.filter((line) => line.startsWith('sed --in-place "'))
    expect(replacements).toHaveLength(2)
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-gke-'))
    try {
      cpSync(join(repository, 'deploy/kustomize'), folder, { recursive: true })
      const overlay = join(folder, 'overlays/gke')
      const env = {
        ...process.env,
        PROJECT_ID: 'my-project',
        REGION: 'europe-west1',
        KMS_LOCATION: 'europe',
        MAIL_NETWORK: '198.51.100.25/32',
        MAIL_PORT: '465',
        ADDRESS: '198.51.100.7',
        DOMAIN: 'auth.shop.test',
      }
      execFileSync('bash', ['-e', '-c', replacements.join('\n')], { cwd: overlay, env })
      const rendered = JSON.stringify(renderKustomization(overlay))
      expect(rendered).toContain('europe-west1-docker.pkg.dev/my-project/latchkey/latchkey:0.1.0')
      expect(rendered).toContain('35.191.0.0/16,130.211.0.0/22,198.51.100.7')
      expect(rendered).toContain('projects/my-project/locations/europe/keyRings/latchkey/cryptoKeys/master-keys')
      expect(rendered).toContain(
        '{"ports":[{"port":465,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"198.51.100.25/32"}}]}',
      )
      expect(rendered).not.toMatch(/PROJECT_ID|REGION|KMS_LOCATION|203\.0\.113|example\.com/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
