// An EHR we did not write, for the tests: npm's oidc-provider as SMART authorization server, before a FHIR server it asks.
// node smart_server.mjs REDIRECT_URI FHIR_BASE [JWKS_URI of a client with keys] ; prints its port. FHIR under /fhir needs a token it gave; launches are "L-" + patient id.
import Provider from 'oidc-provider';
import http from 'node:http';

const [redirect, upstream, jwks] = process.argv.slice(2);
const signing = ['RS384', 'ES384'];
const scopes = ['openid', 'fhirUser', 'launch', 'launch/patient'];
for (const kind of ['Patient', 'Observation', 'MedicationAdministration', 'Condition', 'Procedure', 'Specimen', 'AllergyIntolerance']) scopes.push(`patient/${kind}.rs`);
const server = http.createServer();

server.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const fhir = `${origin}/fhir`;
  const contexts = new Map();
  const provider = new Provider(origin, {
    clients: ['public', 'secret', ...(jwks ? ['key'] : [])].map((kind) => ({
      client_id: `dosetwin-${kind}`,
      redirect_uris: [redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      ...(kind === 'public' ? { token_endpoint_auth_method: 'none' } : {}),
      ...(kind === 'secret' ? { client_secret: 'hush-hush-hush-hush-hush' } : {}),
      ...(kind === 'key' ? { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: jwks } : {}),
    })),
    scopes,
    clientAuthMethods: ['none', 'client_secret_basic', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: signing },
    claims: { openid: ['sub', 'name'], fhirUser: ['fhirUser'] },
    conformIdTokenClaims: false,
    extraParams: ['aud', 'launch'],
    pkce: { methods: ['S256'], required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['test'] },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: 'Petra Prescriber (made up)', fhirUser: `${fhir}/Practitioner/${id}` }),
    }),
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'token' && ctx.body?.access_token) {
      const token = await provider.AccessToken.find(ctx.body.access_token);
      ctx.body.patient = contexts.get(token.grantId);
    }
  });
  const oidc = provider.callback();

  async function interact(req, res) {
    const { params, grantId } = await provider.interactionDetails(req, res);
    const standalone = params.scope.split(' ').includes('launch/patient');
    const patient = standalone ? process.env.PICKED ?? contexts.get('picked') : /^L-(.+)$/.exec(params.launch ?? '')?.[1];
    if (params.aud !== fhir || !patient) {
      return provider.interactionFinished(req, res, { error: 'invalid_request', error_description: 'aud or launch' });
    }
    const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: 'p1', clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    grant.addOIDCClaims(['name', 'fhirUser']);
    const id = await grant.save();
    contexts.set(id, patient);
    return provider.interactionFinished(req, res, { login: { accountId: 'p1' }, consent: { grantId: id } });
  }

  async function records(req, res) {
    const json = (status, body) => res.writeHead(status, { 'content-type': 'application/fhir+json' }).end(JSON.stringify(body));
    const path = req.url.slice('/fhir'.length);
    if (path === '/.well-known/smart-configuration') {
      return json(200, {
        issuer: origin,
        jwks_uri: `${origin}/jwks`,
        authorization_endpoint: `${origin}/auth`,
        token_endpoint: `${origin}/token`,
        grant_types_supported: ['authorization_code'],
        scopes_supported: scopes,
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: signing,
        capabilities: ['launch-ehr', 'launch-standalone', 'client-public', 'client-confidential-asymmetric', 'sso-openid-connect', 'context-ehr-patient', 'permission-v2'],
      });
    }
    if (path === '/metadata') {
      const uris = [['authorize', '/auth'], ['token', '/token']].map(([url, at]) => ({ url, valueUri: origin + at }));
      const extension = [{ url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris', extension: uris }];
      return json(200, {
        resourceType: 'CapabilityStatement', status: 'active', date: '2026-01-01', kind: 'instance', fhirVersion: '4.0.1',
        format: ['json'], rest: [{ mode: 'server', security: { extension } }],
      });
    }
    if (path.startsWith('/picked/')) {
      contexts.set('picked', path.slice('/picked/'.length));
      return json(200, {});
    }
    const token = await provider.AccessToken.find((req.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (!token) return json(401, { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'login' }] });
    const patient = contexts.get(token.grantId);
    const query = new URL(req.url, origin).searchParams;
    const asked = query.get('patient') ?? `Patient/${/^\/Patient\/([^?]+)/.exec(path)?.[1]}`;
    if (asked !== `Patient/${patient}`) {
      return json(403, { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'forbidden' }] });
    }
    const answer = await fetch(upstream + path, { headers: { accept: 'application/fhir+json' } });
    return res.writeHead(answer.status, { 'content-type': 'application/fhir+json' }).end(await answer.text());
  }

  server.on('request', (req, res) => {
    const work = req.url.startsWith('/fhir') ? records : req.url.startsWith('/interaction/') ? interact : oidc;
    Promise.resolve(work(req, res)).catch((error) => {
      console.error(error);
      if (!res.headersSent) res.writeHead(500);
      res.end();
    });
  });
  console.log(server.address().port);
});
