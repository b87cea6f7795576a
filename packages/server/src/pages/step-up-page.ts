import type { OwnFactors } from '../accounts/own-factors.js'
import type { StepUp } from '../accounts/step-up.js'
import type { FactorKind } from '../factors/factor-table.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { actingOf, originOf } from '../routes/caller.js'
import type { SessionCookies } from '../routes/session-cookies.js'
import type { OpenAccountPage } from './account-page-context.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, optional } from './form-page.js'
import { passkeyBox } from './passkey-box.js'

interface StepUpDependencies {
  readonly open: OpenAccountPage
  readonly stepUp: StepUp
  readonly ownFactors: OwnFactors
  readonly cookies: SessionCookies
}

/** GET and POST /step-up: authenticates the owner of a session again, and leads back. */
export function addStepUpPage(app: App, { open, stepUp, ownFactors, cookies }: StepUpDependencies): void {
  addFormPage(app, {
    path: '/step-up',
    config: { limit: 'login' },
    rules: { code: optional(16), password: optional(1024) },
    faults: { second_factor_wrong: 'code', password_wrong: 'password' },
    open,
    show: async (page, state) => {
      const { t } = page
      const { factors } = await ownFactors.list(page.account.id)
      const has = (kind: FactorKind) => factors.some((factor) => factor.kind === kind)
      const target = page.target()
      const passkey = has('passkey')
        ? html`${passkeyBox(page, {
            use: 'step-up',
            label: t('second-factor.passkey'),
            target: target?.location ?? page.href('/account'),
          })}<noscript><p>${t('factors.passkey-script')}</p></noscript>`
        : undefined
      const proof = has('totp')
        ? field(page, state, {
            name: 'code',
            label: t('second-factor.code'),
            autocomplete: 'one-time-code',
            inputmode: 'numeric',
            autofocus: true,
            keeps: false,
          })
        : field(page, state, {
            name: 'password',
            label: t('common.password'),
            type: 'password',
            autocomplete: 'current-password',
            autofocus: true,
          })
      const hasForm = has('totp') || factors.length === 0
      const sent = hasForm ? form(state, html`${proof}${submit(t('common.continue'))}`) : undefined
      const main = html`<p>${t('step-up.text')}</p>${passkey}${sent}`
      return { title: t('step-up.title'), main, leadsTo: target?.origin }
    },
    submit: async (page, { code, password = '' }) => {
      const acting = actingOf(page.request)
      const origin = originOf(page.request)
      const signedIn =
        code === undefined
          ? await stepUp.byPassword(acting, password, origin)
          : await stepUp.bySecondFactor(acting, { code }, origin)
      cookies.set(page.reply, signedIn)
      return page.leave()
    },
  })
}
