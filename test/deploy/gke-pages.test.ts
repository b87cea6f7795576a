import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { usageProblem } from '../support/latchkey-usage.js'
import { blocksLeftOut } from '../support/page.js'
import { callProblems, commandOf } from './support/command-facts.js'
import { podTemplateOf } from './support/kubernetes-manifests.js'
import { pathOf } from './support/machine-files.js'
import { schemaProblems } from './support/manifest-schemas.js'
import { type Call, commandsOf, recordedManifests, walk } from './support/page-walk.js'

const programs = ['gcloud', 'kubectl', 'docker', 'curl', 'git']

/** The answers of the stand-ins; kubectl is the real one where it needs no cluster. */
const answers = (kubectl: string) => `
case "\${0##*/} $*" in
  'kubectl apply --filename -') record_manifests ;;
  'kubectl apply --filename '*|'kubectl create --filename '*) record_manifests < "$3" ;;
  'kubectl apply --kustomize .') ${kubectl} kustomize . | record_manifests ;;
  'gcloud kms encrypt '*|'gcloud kms decrypt '*|*--data-file=-*|*/dev/stdin*) cat > "$HOME/stdin.$$" ;;
esac
case "\${0##*/} $*" in
  'gcloud compute addresses describe '*) echo 198.51.100.7 ;;
  'gcloud redis instances describe '*host*) echo 10.60.0.4 ;;
  'gcloud projects describe '*) echo 123456789 ;;
  'gcloud config get-value account'*) echo operator@example.com ;;
  'gcloud secrets versions access '*wrapped*) echo c2VhbGVk ;;
  'gcloud '*) echo text ;;
  'kubectl kustomize '*|'kubectl patch --local '*) exec ${kubectl} "$@" ;;
  'kubectl --namespace latchkey create job '*) ${kubectl} kustomize . | ${process.execPath} -e "$JOB_OF_TEMPLATE" ;;
  'kubectl --namespace latchkey exec '*) echo ring ;;
esac
`

/**
 * Creates the Job that \`kubectl create job --from\` would create from the template among
 * manifests.
 */
const jobOfTemplate = `
const yaml = require(process.env.YAML)
const manifests = yaml.parseAllDocuments(require('node:fs').readFileSync(0, 'utf8')).map((one) => one.toJS())
const { spec, metadata } = manifests.find(({ kind }) => kind === 'CronJob')
const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'restore', namespace: metadata.namespace }, spec: spec.jobTemplate.spec }
console.log(JSON.stringify(job))
`

const env = {
  YAML: new URL('../../node_modules/yaml', import.meta.url).pathname,
  JOB_OF_TEMPLATE: jobOfTemplate,
  OFFLINE: '/tmp',
}

const set = 'set -euo pipefail\n'

describe('the pages for Google Kubernetes Engine, walked with stand-ins for gcloud and kubectl', () => {
  let deployed: readonly Call[]
  let recovered: readonly Call[]

  beforeAll(() => {
    const options = { programs, answers: answers(pathOf('kubectl')), env }
    const page = commandsOf('deploy-gke.md')
    deployed = walk(page, options)
    const variables = `${set}export PROJECT_ID=my-project REGION=europe-west1 LOST_REGION=europe-west1 BACKUP_LOCATION=eu DOMAIN=auth.test
      POINT_IN_TIME=2026-01-01T00:00:00Z
      cd deploy/kustomize/overlays/gke\n`
    recovered = walk(variables + commandsOf('runbook-gke.md'), options)
  })

  it('use commands and flags that gcloud, kubectl and docker have', () => {
    expect(callProblems([...deployed, ...recovered])).toEqual([])
    expect(deployed.filter(({ program }) => program === 'gcloud').length).toBeGreaterThan(60)
  })

  it('apply manifests that conform to their schemas, and run the named commands as Jobs', () => {
    const applied = [...recordedManifests(deployed), ...recordedManifests(recovered)].flat()
    expect(schemaProblems(applied).flat()).toEqual([])
    expect(applied.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Rules', 'CronJob', 'Deployment']))
    const jobs = recordedManifests(recovered).filter(([first, ...rest]) => first?.kind === 'Job' && rest.length === 0)
    const commands = jobs.map(([job]) => job && podTemplateOf(job).spec.containers[0].args)
    expect(commands).toEqual([
      ['backup', 'restore', '--yes'],
      ['audit', 'verify'],
    ])
    expect(commands.map(usageProblem)).toEqual([undefined, undefined])
  })

  it('stop at the first command that fails, also inside a pipe', () => {
    expect(commandsOf('deploy-gke.md').startsWith(set)).toBe(true)
    expect(commandsOf('deploy-kubernetes.md').startsWith(set)).toBe(true)
  })

  it.each([
    [['sql', 'instances', 'create', 'x', '--enable-pitr']],
    [['compute', 'ssl-policies', 'create', 'x', '--min-tls=1.2']],
    [['container', 'clusters', 'create-autopilot', 'x']],
    [['kms', 'keyrings', 'create', 'x', '--region=europe']],
  ])('are refused with gcloud %s', (args) => {
    expect(callProblems([{ program: 'gcloud', args }])).not.toEqual([])
  })

  it('have no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/deploy-gke.md')).toEqual([])
    expect(blocksLeftOut('docs/guides/runbook-gke.md')).toEqual([])
  })

  const withCommand = (calls: readonly Call[], command: string) =>
    calls.filter((call) => call.program === 'gcloud' && commandOf(call) === command).map(({ args }) => args)

  it('grant the pods no right to encrypt, except while a new ring is created', () => {
    const rights = [
      ...withCommand(deployed, 'kms keys add-iam-policy-binding'),
      ...withCommand(deployed, 'kms keys remove-iam-policy-binding'),
    ].map((args) => args.find((arg) => arg.startsWith('--role=')))
    expect(rights).toEqual([
      '--role=roles/cloudkms.cryptoKeyDecrypter',
      '--role=roles/cloudkms.cryptoKeyEncrypter',
      '--role=roles/cloudkms.cryptoKeyEncrypter',
    ])
  })

  it('protect the database from deletion, back it up elsewhere, and enable recovery to a point in time', () => {
    const [create = []] = withCommand(deployed, 'sql instances create')
    expect(create).toEqual(
      expect.arrayContaining([
        '--deletion-protection',
        '--backup',
        '--backup-location=eu',
        '--enable-point-in-time-recovery',
        '--availability-type=regional',
        '--database-flags=cloudsql.iam_authentication=on',
      ]),
    )
    const [keyring = []] = withCommand(deployed, 'kms keyrings create')
    expect(keyring).toContain('--location=europe')
  })

  it('create every secret that the servers mount, and grant them access to it', () => {
    const folder = new URL('../../deploy/kustomize/overlays/gke/secret-provider-class.yaml', import.meta.url)
    const mounted = [...readFileSync(folder, 'utf8').matchAll(/secrets\/(latchkey-[\w-]+)\/versions/g)].map(
      ([, name]) => name,
    )
    const named = (command: string) => withCommand(deployed, command).map((args) => args[command.split(' ').length])
    expect(named('secrets create').sort()).toEqual([...mounted].sort())
    expect([...new Set(named('secrets add-iam-policy-binding'))].sort()).toEqual([...mounted].sort())
  })

  it('run a command with no server running before a restored database is used', () => {
    const steps = recovered
      .filter(({ program }) => program === 'kubectl')
      .map(({ args }) => args.join(' '))
      .filter((line) => /create --filename|apply --filename rendered|replicas/.test(line))
    expect(steps).toEqual([
      '--namespace latchkey scale deployment/latchkey --replicas=0',
      'apply --filename rendered.yaml --selector app.kubernetes.io/component notin (server, migration)',
      'create --filename restore.yaml',
      'create --filename audit.yaml',
      'apply --filename rendered.yaml',
      '--namespace latchkey scale deployment/latchkey --replicas=3',
    ])
  })
})
