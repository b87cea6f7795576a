import type { DeviceConfirmation } from '../accounts/device-confirmation.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import { cookiesOf, deviceCookie } from '../routes/session-cookies.js'
import { form, submit } from './form-fields.js'
import { addFormPage } from './form-page.js'
import { linkFaults, linkField, linkRule, tokenIn } from './link-form.js'
import type { Pages } from './pages.js'

/** GET and POST /confirm-device. The device cookie shows that this is the device of the sign-in. */
export function addConfirmDevicePage(
  app: App,
  { pages, confirmations }: { readonly pages: Pages; readonly confirmations: DeviceConfirmation },
): void {
  addFormPage(app, {
    path: '/confirm-device',
    config: { limit: 'recovery' },
    rules: { link: linkRule },
    faults: linkFaults,
    open: (request, reply) => pages.open(request, reply),
    show: (page, state) => {
      const { t } = page
      const content = html`${linkField(page, state)}${submit(t('confirm-device.submit'))}`
      const main = html`<p>${t('confirm-device.text')}</p>${form(state, content)}`
      return { title: t('confirm-device.title'), main }
    },
    submit: async (page, { link }) => {
      const [device] = cookiesOf(page.request, deviceCookie)
      await confirmations.confirm(tokenIn(link), originOf(page.request), device)
      return page.redirect('/sign-in', { notice: 'device-confirmed' })
    },
  })
}
