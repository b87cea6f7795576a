export type { Auth } from './auth.js'
export type {
  CacheCall,
  CacheMessage,
  FeedMessage,
  IssueMessage,
  LifecycleMessage,
  RefusedOutcome,
  SessionMessage,
  StoreCall,
  StoreMessage,
  TokenCall,
  VerifyMessage,
} from './channels.js'
export type { Authentication } from './claims/authentication.js'
export type { Claims, RegisteredClaims, UntypedClaims } from './claims/check-claims.js'
export type { ClaimsIssue, ClaimsResult, ClaimsSchema } from './claims/claims-schema.js'
export { type Grants, type GrantsInput, MAX_GRANTS_BYTES } from './claims/grants.js'
export type { JsonValue } from './claims/plain-json.js'
export { type AuthenticationLevel, type MintedSession, type SessionIds, sessionIds } from './claims/session-ids.js'
export { type Clock, type Instant, systemClock } from './clock.js'
export {
  type CodeOf,
  defineFailures,
  type Failure,
  FailureError,
  type FailureOptions,
  type Failures,
  isFailure,
} from './define-failures.js'
export {
  type FailureCode,
  failures,
  isLatchkeyError,
  LatchkeyError,
  type LatchkeyErrorOptions,
} from './errors.js'
export type { IntrospectionFailure } from './introspection/report-introspection-failure.js'
export type { Algorithm, HmacAlgorithm, RsaAlgorithm, SignatureAlgorithm } from './jws/algorithms.js'
export {
  type ConfiguredKeyPair,
  type ConfiguredKeyPairOptions,
  type KeyPairSource,
  keyPair,
  type RotatingKeyPairSource,
} from './keys/key-pair.js'
export type { KeyPairRecord, KeyPairStage, KeyPairStore } from './keys/key-pair-store.js'
export type {
  FreshnessListener,
  IntrospectedToken,
  KeySource,
  LegacySource,
  LegacyTenant,
  LegacyToken,
  LegacyVerifier,
  SigningKey,
  TokenIntrospector,
  VerifyingKey,
} from './keys/key-source.js'
export type { Jwks } from './keys/published-keys.js'
export { type RemoteJwksOptions, remoteJwks } from './keys/remote-jwks.js'
export type { JwksFailure } from './keys/report-jwks-failure.js'
export { type SharedSecretOptions, sharedSecret } from './keys/shared-secret.js'
export type { StoredKeyPairOptions } from './keys/stored-key-pairs.js'
export { createLatchkey } from './latchkey.js'
export type {
  Forgery,
  IssuableClaims,
  IssuedToken,
  IssueRequest,
  Latchkey,
  LatchkeyOptions,
  RequiredClaims,
} from './latchkey-api.js'
export type { LegacyPayload, LegacySecret, LegacyTokensOptions } from './legacy/legacy-options.js'
export { type LegacyTokens, legacyTokens } from './legacy/legacy-tokens.js'
export type { MaybePromise } from './maybe-promise.js'
export type { Traced } from './observed-operation.js'
export { type Binding, Keyring, type Sealed } from './sealing/keyring.js'
export * from './secrets/ports.js'
export type { StoredKey } from './secrets/stored-keys.js'
export { tenantSecrets } from './tenant-secrets/tenant-secrets.js'
export type {
  ChangeOptions,
  EndingOptions,
  SecretDescription,
  TenantDescription,
  TenantSecrets,
} from './tenant-secrets/tenant-secrets-api.js'
export type { TenantSecretsOptions } from './tenant-secrets/tenant-secrets-options.js'
export type { PropagationReport, VerifierAcknowledgement } from './tenants/wait-for-acknowledgements.js'
export type { SealedCheck } from './upkeep/check-sealed.js'
export type { KeyReplacementProgress, ReplaceKeysOptions } from './upkeep/replace-keys.js'
export type { RewrapOptions } from './upkeep/rewrap.js'
export type { RotateAllOptions, RotationProgress, RotationState, TenantsRotation } from './upkeep/rotate-all.js'
export type { TokenCacheUse } from './verified-tokens.js'
