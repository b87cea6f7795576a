import type { CanActivate, DynamicModule, ExecutionContext, OnApplicationShutdown, OnModuleInit } from '@nestjs/common'
import { APP_GUARD, DiscoveryModule, DiscoveryService } from '@nestjs/core'
import { createLatchkey } from '../../latchkey.js'
import type { Latchkey } from '../../latchkey-api.js'
import { accessOf } from './access.js'
import { AuthGuard } from './auth-guard.js'
import { checkFieldResolvers, checkHandlers } from './check-placement.js'
import { LATCHKEY, MODULE_OPTIONS } from './inject-latchkey.js'
import {
  checkModuleOptions,
  isLatchkey,
  type LatchkeyModuleAsyncOptions,
  type LatchkeyModuleOptions,
} from './module-options.js'

/**
 * Guards the routes of a Nest application, and provides its `Latchkey` to every module.
 *
 * Each route needs a valid access token, except those with `@Public()`. The application does not
 * start if a decorator of this package is in a place where Nest would not check it.
 *
 * @example
 * ```ts
 * import type { ModuleMetadata } from '@nestjs/common'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { LatchkeyModule } from 'latchkey/nest'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * export const metadata: ModuleMetadata = { imports: [LatchkeyModule.forRoot({ latchkey })] }
 * ```
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest identifies a module by its class.
export class LatchkeyModule {
  /**
   * Returns the module with these options. Import it once, in the root module.
   *
   * @throws TypeError for wrong options
   */
  static forRoot(options: LatchkeyModuleOptions): DynamicModule {
    checkModuleOptions(options)
    return moduleWith({ useFactory: () => options })
  }

  /**
   * Returns the module with options that a factory returns, such as one that reads the
   * configuration. Wrong options stop the start with a TypeError.
   *
   * @example
   * ```ts
   * import { tenantSecrets } from 'latchkey'
   * import { LatchkeyModule } from 'latchkey/nest'
   * import { postgresStore } from 'latchkey/postgres'
   *
   * class Config {
   *   readonly databaseUrl = process.env.DATABASE_URL
   *   readonly masterKeys = process.env.LATCHKEY_MASTER_KEYS
   * }
   *
   * export const latchkeyModule = LatchkeyModule.forRootAsync({
   *   inject: [Config],
   *   useFactory: ({ databaseUrl, masterKeys }: Config) => {
   *     const store = postgresStore({ connectionString: databaseUrl })
   *     const keys = tenantSecrets({ store, masterKeys })
   *     return { latchkey: { issuer: 'https://auth.example', audience: 'api', keys } }
   *   },
   * })
   * ```
   */
  static forRootAsync(options: LatchkeyModuleAsyncOptions): DynamicModule {
    if (typeof options?.useFactory !== 'function') throw new TypeError('useFactory is a function that returns options.')
    return moduleWith(options)
  }
}

function moduleWith({ imports = [], inject = [], useFactory }: LatchkeyModuleAsyncOptions): DynamicModule {
  const read = useFactory as (...injected: unknown[]) => ReturnType<typeof useFactory>
  return {
    module: LatchkeyModule,
    global: true,
    imports: [...imports, DiscoveryModule],
    providers: [
      {
        provide: MODULE_OPTIONS,
        inject,
        useFactory: async (...injected: unknown[]) => checkModuleOptions(await read(...injected)),
      },
      { provide: OpenedLatchkey, inject: [MODULE_OPTIONS], useFactory: (options) => new OpenedLatchkey(options) },
      { provide: LATCHKEY, inject: [OpenedLatchkey], useFactory: ({ latchkey }: OpenedLatchkey) => latchkey },
      AuthGuard,
      { provide: APP_GUARD, inject: [AuthGuard, MODULE_OPTIONS], useFactory: globalGuard },
      {
        provide: StartCheck,
        inject: [DiscoveryService, MODULE_OPTIONS],
        useFactory: (discovery, options) => new StartCheck(discovery, options),
      },
    ],
    exports: [LATCHKEY, MODULE_OPTIONS, AuthGuard],
  }
}

/** The Latchkey of the module, which is closed with the application if the module owns it. */
class OpenedLatchkey implements OnApplicationShutdown {
  readonly latchkey: Latchkey
  readonly #isOwned: boolean

  constructor({ latchkey, close }: LatchkeyModuleOptions) {
    const isGiven = isLatchkey(latchkey)
    this.latchkey = isGiven ? latchkey : createLatchkey(latchkey)
    this.#isOwned = close ?? !isGiven
  }

  /** Follows the end of all connections: requests that are under way are still verified. */
  async onApplicationShutdown(): Promise<void> {
    if (this.#isOwned) await this.latchkey.close()
  }
}

/** Stops the start of an application in which Nest would not check a decorator. */
class StartCheck implements OnModuleInit {
  readonly #discovery: DiscoveryService

  constructor(discovery: DiscoveryService, { global = true }: LatchkeyModuleOptions) {
    this.#discovery = discovery
    checkHandlers(discovery, global)
  }

  /** The options of GraphQL are known once all providers exist. */
  onModuleInit(): void {
    checkFieldResolvers(this.#discovery)
  }
}

/** Returns the guard of every route: if not `global`, it guards only what has a decorator. */
function globalGuard(guard: AuthGuard, { global = true }: LatchkeyModuleOptions): CanActivate {
  if (global) return guard
  return {
    canActivate: (context: ExecutionContext) =>
      accessOf(context.getHandler(), context.getClass()) === undefined || guard.canActivate(context),
  }
}
