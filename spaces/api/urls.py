from django.urls import path

from spaces.api import (
    clusters,
    compare,
    concepts,
    dimensions,
    explain,
    members,
    neighbours,
    positions,
    relations,
    report,
    spaces,
    templates,
)

urlpatterns = [
    path("spaces", spaces.SpaceCollection.as_view()),
    path("spaces/templates", templates.Templates.as_view()),
    path("spaces/<id:space>", spaces.SpaceDetail.as_view()),
    path("spaces/<id:space>/versions", spaces.SpaceVersions.as_view()),
    path("spaces/<id:space>/dimensions", dimensions.SpaceDimensions.as_view()),
    path("spaces/<id:space>/members", members.Members.as_view()),
    path("spaces/<id:space>/members/<id:memory>", members.MemberDetail.as_view()),
    path("spaces/<id:space>/positions", positions.Positions.as_view()),
    path("spaces/<id:space>/neighbours", neighbours.Neighbours.as_view()),
    path("spaces/<id:space>/explain", explain.Explain.as_view()),
    path("spaces/<id:space>/compare", compare.Compare.as_view()),
    path("spaces/<id:space>/clusters", clusters.Clusters.as_view()),
    path("spaces/<id:space>/report", report.DimensionReport.as_view()),
    path("spaces/<id:space>/concepts", concepts.Concepts.as_view()),
    path("spaces/<id:space>/concepts/<id:concept>", concepts.ConceptDetail.as_view()),
    path("spaces/<id:space>/relations", relations.Relations.as_view()),
    path("spaces/<id:space>/relations/<id:relation>", relations.RelationDetail.as_view()),
]
