import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { type Manifest, nameOf } from './kubernetes-manifests.js'

/** The packages with the schemas of API groups that are not part of Kubernetes. */
const packages: Readonly<Record<string, string>> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'networking.gke.io': '@kubernetes-models/gke',
  'cloud.google.com': '@kubernetes-models/gke',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'external-secrets.io': '@kubernetes-models/external-secrets',
}

/**
 * No package has the schema of the Secrets Store CSI driver:
 * https://secrets-store-csi-driver.sigs.k8s.io/concepts
 */
const secretProviderClass = `
import type { IObjectMeta } from '@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta'
interface ISecretProviderClass {
  apiVersion: 'secrets-store.csi.x-k8s.io/v1'
  kind: 'SecretProviderClass'
  metadata: IObjectMeta
  spec: { provider: 'gke' | 'gcp'; parameters: { secrets: string } }
}
`

/**
 * No package has the schemas of Google Cloud Managed Service for Prometheus. These are the parts
 * that the manifests use, as in
 * https://github.com/GoogleCloudPlatform/prometheus-engine/blob/main/manifests/setup.yaml
 */
const managedPrometheus = `
interface IPodMonitoring {
  apiVersion: 'monitoring.googleapis.com/v1'
  kind: 'PodMonitoring'
  metadata: IObjectMeta
  spec: {
    selector: { matchLabels: Record<string, string> }
    endpoints: {
      port: string | number
      interval: string
      path?: string
      timeout?: string
      authorization?: { type: string; credentials: { secret: { name: string; key: string; namespace?: string } } }
    }[]
  }
}
type Labels = Record<string, string>
interface IRules {
  apiVersion: 'monitoring.googleapis.com/v1'
  kind: 'Rules'
  metadata: IObjectMeta
  spec: {
    groups: {
      name: string
      interval?: string
      rules: (
        | { record: string; expr: string; labels?: Labels }
        | { alert: string; expr: string; for?: string; labels?: Labels; annotations?: Labels }
      )[]
    }[]
  }
}
`

/**
 * No package has the schemas of CloudNativePG. These are the parts that the manifests use, as in
 * the files config/crd/bases of https://github.com/cloudnative-pg/cloudnative-pg and
 * https://github.com/cloudnative-pg/plugin-barman-cloud
 */
const cloudNativePg = `
interface ICluster {
  apiVersion: 'postgresql.cnpg.io/v1'
  kind: 'Cluster'
  metadata: IObjectMeta
  spec: {
    instances: number
    imageName?: string
    bootstrap?: { initdb: { database: string; owner: string; secret: { name: string }; dataChecksums?: boolean } }
    postgresql?: {
      synchronous?: { method: 'any' | 'first'; number: number; dataDurability?: 'required' | 'preferred' }
      parameters?: Record<string, string>
    }
    storage: { size: string }
    resources?: { requests: Record<string, string>; limits: Record<string, string> }
    affinity?: { topologyKey: string }
    plugins?: { name: string; isWALArchiver?: boolean; parameters?: Record<string, string> }[]
  }
}
interface IScheduledBackup {
  apiVersion: 'postgresql.cnpg.io/v1'
  kind: 'ScheduledBackup'
  metadata: IObjectMeta
  spec: {
    schedule: string
    backupOwnerReference?: 'none' | 'self' | 'cluster'
    cluster: { name: string }
    method?: 'barmanObjectStore' | 'volumeSnapshot' | 'plugin'
    pluginConfiguration?: { name: string; parameters?: Record<string, string> }
  }
}
interface IObjectStore {
  apiVersion: 'barmancloud.cnpg.io/v1'
  kind: 'ObjectStore'
  metadata: IObjectMeta
  spec: {
    retentionPolicy?: string
    configuration: {
      destinationPath: string
      endpointURL?: string
      s3Credentials?: Record<'accessKeyId' | 'secretAccessKey', { name: string; key: string }>
      wal?: { compression?: string }
    }
  }
}
`

/**
 * No package has the schemas of Envoy Gateway. These are the parts that the manifests use, as in
 * the files api/v1alpha1 of https://github.com/envoyproxy/gateway
 */
const envoyGateway = `
interface IBackendTrafficPolicy {
  apiVersion: 'gateway.envoyproxy.io/v1alpha1'
  kind: 'BackendTrafficPolicy'
  metadata: IObjectMeta
  spec: {
    targetRefs: { group: 'gateway.networking.k8s.io'; kind: 'Gateway' | 'HTTPRoute'; name: string }[]
    timeout?: { http?: { connectionIdleTimeout?: string; maxConnectionDuration?: string } }
  }
}
`

/** Kinds with types of this file. */
const ownTypes = [
  'SecretProviderClass',
  'BackendTrafficPolicy',
  'PodMonitoring',
  'Rules',
  'Cluster',
  'ScheduledBackup',
  'ObjectStore',
]

/**
 * Returns the violations of the schemas in manifests, one list for each. The published schemas of
 * Kubernetes do not forbid unknown fields. Types do, because the compiler refuses a field that the
 * type of a literal does not have. So the manifests are compiled as literals of types that are
 * generated from the schemas.
 */
export function schemaProblems(manifests: readonly Manifest[]): readonly (readonly string[])[] {
  const lines = manifests.map(
    (manifest, index) => `export const m${index}: ${typeOf(manifest)} = ${JSON.stringify(manifest)}`,
  )
  const problems: string[][] = manifests.map(() => [])
  for (const { file, start, messageText } of compile(
    [...lines, secretProviderClass, managedPrometheus, cloudNativePg, envoyGateway].join('\n'),
  )) {
    if (file === undefined || start === undefined) throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
    const { line } = file.getLineAndCharacterOfPosition(start)
    const manifest = manifests[line]
    if (manifest === undefined) throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
    problems[line]?.push(`${nameOf(manifest)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  }
  return problems
}

function typeOf({ apiVersion, kind }: Manifest): string {
  if (ownTypes.includes(kind)) return `I${kind}`
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  if (group === 'external-secrets.io') return promotedExternalSecret
  const path = [packages[group] ?? 'kubernetes-models', group, version, kind].filter((part) => part !== '').join('/')
  return `import('${path}').I${kind}`
}

/** v1 has the fields of v1beta1, which is the only version in the package. */
const promotedExternalSecret =
  "Omit<import('@kubernetes-models/external-secrets/external-secrets.io/v1beta1/ExternalSecret').IExternalSecret, 'apiVersion'> & " +
  "{ apiVersion: 'external-secrets.io/v1' }"

function compile(text: string): readonly ts.Diagnostic[] {
  const path = join(fileURLToPath(new URL('.', import.meta.url)), 'rendered-manifests.ts')
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === path || fileExists(name)
  host.getSourceFile = (name, ...rest) =>
    name === path ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile.call(host, name, ...rest)
  return ts.getPreEmitDiagnostics(ts.createProgram([path], options, host))
}
