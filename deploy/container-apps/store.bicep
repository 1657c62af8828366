// The store: an Azure Cosmos DB account for this service alone, in which every order is a document, and
// the right of its identities to read and write them. Who uses it is in `main.bicep`.

@description('The region. It is the only one: see the consistency below.')
param location string

@description('The account, whose name is unique in the world.')
@minLength(3)
@maxLength(44)
param accountName string

@description('The object ids of the identities that read and write orders.')
param principalIds string[]

@description('What the account is paid by.')
@allowed([
  'serverless'
  'autoscale'
  'free'
])
param capacity string = 'serverless'

@description('The most request units a second, unless it is `serverless`. A tenth is always paid for; beyond it the store answers 429.')
@minValue(1000)
param throughputMax int = 1000

@description('Whether the account outlives the loss of a zone. Not every region has zones.')
param zoneRedundant bool = false

// Built in: reads and writes documents, and makes no databases, containers or roles.
var dataContributor = '00000000-0000-0000-0000-000000000002'

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: accountName
  location: location
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: capacity == 'serverless' ? [
      {
        name: 'EnableServerless'
      }
    ] : []
    enableFreeTier: capacity == 'free'
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: zoneRedundant
      }
    ]
    // A client may ask one replica for the order that another has just accepted, and of two replicas that
    // claim an order each must see whether the other has: a read has to see every write that has returned.
    // `Session`, the default of Azure, promises that only to the session which wrote, and each process is
    // a session of its own. `BoundedStaleness` allows for five seconds. `Strong` costs a read twice its
    // request units and, with one region, a write no waiting for another continent.
    consistencyPolicy: {
      defaultConsistencyLevel: 'Strong'
    }
    // One region accepts writes: with several, two of them could both grant a claim.
    enableMultipleWriteLocations: false
    // Identities only, no keys: there is no secret to leak or to rotate.
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    // Reached from the internet by those who have a role. Put a private endpoint in front where that is
    // not enough; the environment then needs a virtual network.
    publicNetworkAccess: 'Enabled'
    // To any second of the last seven days. What a restore means for orders is in docs/operations.md.
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: 'Continuous7Days'
      }
    }
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2026-03-15' = {
  parent: account
  name: 'orders'
  properties: {
    resource: {
      id: 'orders'
    }
  }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2026-03-15' = {
  parent: database
  name: 'orders'
  properties: {
    resource: {
      id: 'orders'
      // The host's layout, which is Spin's: each key is a partition of its own.
      partitionKey: {
        kind: 'Hash'
        paths: [
          '/id'
        ]
        version: 2
      }
      // Documents may say when they end; those that do not are kept until the sweep removes them.
      defaultTtl: -1
      // Values are arrays of bytes, and nobody asks for one. Without this each byte would be indexed, and
      // every write would pay for it. `id` is always indexed.
      indexingPolicy: {
        indexingMode: 'consistent'
        automatic: true
        includedPaths: [
          {
            path: '/store_id/?'
          }
        ]
        excludedPaths: [
          {
            path: '/*'
          }
        ]
      }
    }
    options: capacity == 'serverless' ? {} : {
      autoscaleSettings: {
        maxThroughput: throughputMax
      }
    }
  }
}

resource access 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = [for principalId in principalIds: {
  parent: account
  name: guid(account.id, principalId, dataContributor)
  properties: {
    principalId: principalId
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
    // The account holds nothing else, and clients read its description before they ask for a container.
    scope: account.id
  }
}]

@description('The account, as the runtime configuration wants it.')
output account string = account.name

@description('The database in it.')
output database string = database.name

@description('The container in that.')
output container string = container.name
