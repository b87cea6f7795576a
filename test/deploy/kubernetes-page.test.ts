import { describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from '../support/page.js'
import { callProblems } from './support/command-facts.js'
import { type Manifest, nameOf, podTemplateOf } from './support/kubernetes-manifests.js'
import { pathOf } from './support/machine-files.js'
import { schemaProblems } from './support/manifest-schemas.js'
import { commandsOf, recordedManifests, walk } from './support/page-walk.js'

/** The stand-in of kubectl renders the manifests that it should apply, and records them. */
const answers = (kubectl: string) => `
case "\${0##*/} $*" in
  'kubectl apply --filename -') record_manifests ;;
  'kubectl apply --filename deploy/'*) record_manifests < "$3" ;;
  'kubectl apply --kustomize my-deployment') ${kubectl} kustomize my-deployment | record_manifests ;;
esac
`

const walkPage = (commands: string) =>
  walk(commands, { programs: ['kind', 'kubectl', 'docker'], answers: answers(pathOf('kubectl')), env: {} })

/**
 * Returns the manifests that the commands of the page apply, and those after a change of the
 * secrets.
 */
function applied(then: string) {
  const [page = ''] = commandsOf('deploy-kubernetes.md').split('kubectl --namespace latchkey rollout status', 1)
  const calls = walkPage(`${page}\n${then}\nkubectl apply --kustomize my-deployment\n`)
  return recordedManifests(calls).filter((manifests) => manifests.some(({ kind }) => kind === 'Deployment'))
}

describe('docs/guides/deploy-kubernetes.md, walked with stand-ins for kind, docker and kubectl', () => {
  const templatesOf = (manifests: readonly Manifest[] = []) =>
    Object.fromEntries(manifests.map((manifest) => [nameOf(manifest), podTemplateOf(manifest)]))

  it('applies manifests that conform to their schemas, with every mounted secret', () => {
    const [manifests = []] = applied('')
    expect(schemaProblems(manifests).flat()).toEqual([])
    const secrets = manifests.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.name)
    const mounted = manifests.flatMap((manifest) =>
      (podTemplateOf(manifest)?.spec.volumes ?? []).flatMap((volume: { secret?: { secretName: string } }) =>
        volume.secret === undefined ? [] : [volume.secret.secretName],
      ),
    )
    expect([...new Set(mounted)].sort()).toEqual([...secrets].sort())
    expect(secrets).toHaveLength(3)
  })

  it('restarts the servers when a secret changes, and no pod that does not read it', () => {
    const [before, same] = applied('')
    expect(templatesOf(same)).toEqual(templatesOf(before))
    const [first, changed] = applied('printf %s smtps://u:p@mail.example.net > my-deployment/secrets/smtp_url')
    // Every run creates new secrets, so the test compares two applies of one run.
    const [old, now] = [templatesOf(first), templatesOf(changed)]
    expect(now['Deployment/latchkey']).not.toEqual(old['Deployment/latchkey'])
    expect(now['StatefulSet/postgres']).toEqual(old['StatefulSet/postgres'])
  })
  it('uses commands and flags that kind, docker, kubectl and Latchkey have', () => {
    const calls = walkPage(commandsOf('deploy-kubernetes.md'))
    expect(calls.length).toBeGreaterThan(12)
    expect(callProblems(calls)).toEqual([])
    expect(schemaProblems(recordedManifests(calls).flat()).flat()).toEqual([])
  })

  it('pins every image of the overlay by digest', () => {
    const [images = ''] = Page.at('docs/guides/deploy-kubernetes.md').take('yaml')
    const digest = `sha256:${'0'.repeat(64)}`
    const [manifests = []] = applied(
      `cat >> my-deployment/kustomization.yaml <<'YAML'\n${images.replaceAll('<digest>', digest)}YAML`,
    ).slice(1)
    const used = manifests.flatMap((manifest) => {
      const { containers = [], initContainers = [] } = podTemplateOf(manifest)?.spec ?? {}
      return [...containers, ...initContainers].map(({ image }: { image: string }) => image)
    })
    expect(used.length).toBeGreaterThan(4)
    expect(used.filter((image) => !image.endsWith(`@${digest}`))).toEqual([])
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/deploy-kubernetes.md')).toEqual([])
  })
})
