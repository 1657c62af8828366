// The right to pull images from a registry in this resource group. Who needs it is in `main.bicep`.

@description('The registry.')
param registryName string

@description('The object ids of the identities that pull.')
param principalIds string[]

// Built in: pulls images.
var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principalId in principalIds: {
  scope: registry
  name: guid(registry.id, principalId, acrPull)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}]

@description('Where the registry is.')
output server string = registry.properties.loginServer
